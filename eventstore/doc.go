// Package eventstore is the log: the one place where facts are written, and the ways to read them.
//
// The Sequencer decides commands and appends what follows, under one lock that is held until the
// commit, so that the order of positions is the order of commits and a reader that asks for
// "everything after position n" can miss nothing. Store reads: a stream, everything, or a tail
// that follows the log as it grows. The codec is the one place where payloads are written and
// read: versions, upcasters and the sealing of people's texts.
//
// The package may never change or delete an event, and nobody else may write one.
package eventstore
