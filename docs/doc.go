// Package docs contains the project's documents and the tests that compare them with the source tree: import rules, use
// of the clock, documentation of packages, log keys, retired words, links and decisions. The tests parse the files
// themselves, so a cached result is never older than the code. The package has no code besides tests.
package docs
