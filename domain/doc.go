// Package domain holds the rules of lives, coins and chat rooms: which commands are accepted, which events follow
// from them, and what state the events add up to.
//
// Decide takes a Request (a Command and its Actor) and the states of the streams that the command reads. It
// returns the events to append, no events when nothing changes, or a *Refusal. Fold applies one event to the
// state of one stream. Commands, Events and States in catalogue.go list everything the package knows.
//
// The package guarantees:
//   - Decide and Fold are pure: no I/O, no clock, no randomness. The caller passes the time, random ids and keyed hashes.
//   - A decision reads and appends only to the streams that its request names, so the log can lock exactly those.
//   - Coins use double-entry bookkeeping: the postings of an event add up to zero, and no wallet becomes negative.
//   - Payloads of events never change. A changed meaning is a new version with an Upcaster.
//
// States never contain texts that a user wrote. Nothing that is derived from the log therefore outlives the
// destruction of the key that seals a user's texts.
package domain
