// Package peertest runs other programs, such as npm packages, as processes, so that benchmarks can compare them with
// roomlog. A benchmark exchanges lines with a process and measures its CPU time and memory. Only tests may import the
// package.
package peertest
