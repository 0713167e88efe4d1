// Package peertest runs what benchmarks hold ours against: processes that a benchmark starts, talks to in
// lines and asks what they have used, npm packages among them. Only tests may import it.
package peertest
