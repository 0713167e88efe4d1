// Package docs holds the project's documents and the tests that keep the tree as they
// describe it: who may import whom, who may read a clock, what every package must say about
// itself, and that no link or decision is broken. The tests parse the files themselves, so
// that a cached result is never older than the code. It has no code of its own.
package docs
