// Package domain holds the rules of rooms and coins: what may be asked for, what
// follows, and what it adds up to. It is pure: no I/O, no clock, no randomness.
//
// A Command is decided against the states it says it reads; the answer is the
// events that follow, or a Refusal. An Event folds into the state of the one
// stream it belongs to. Decide and Fold are the only two doors; catalogue.go is
// the table of contents.
//
// States hold what a decision needs and never a person's texts, so that nothing
// derived from the log outlives the destruction of a person's key.
package domain
