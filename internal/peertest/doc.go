// Package peertest runs the programs that benchmarks compare ours with, such as npm packages, in processes of their own. A
// benchmark sends lines to a process, receives lines, and asks for the CPU time and memory that it has used. Only tests may
// import the package.
package peertest
