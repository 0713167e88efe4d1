// Package peertest runs the programs that tests and benchmarks hold ours against: npm packages, installed
// once for each list of them, and processes that a benchmark starts, talks to in lines, and asks what they
// have used. Only tests may import it.
package peertest
