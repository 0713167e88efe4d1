// Package domain contains the rules of lives, coins and chat rooms. It decides which commands are accepted, which
// events result from a command, and which state results from the events.
//
// Decide takes a Request (a Command and its Actor) and the states of the streams that the command reads. It returns
// the events to append, no events when nothing changes, or a *Refusal. Fold applies one event to the state of one
// stream. Commands, Events and States in catalogue.go list all commands, events and kinds of streams.
//
// The package guarantees:
//   - Decide and Fold are pure: no I/O, no clock, no randomness. The caller passes the time, random ids and keyed
//     hashes.
//   - A decision reads and appends only to streams that its request names or creates, so the log can detect every
//     conflict.
//   - Coins use double-entry bookkeeping: the amounts of the postings of an event add up to zero, and no wallet
//     becomes negative.
//   - Payloads of events never change. A changed meaning is a new version with an Upcaster.
//
// States never contain texts that users wrote, except Words, whose words must not identify a person. After the log has
// destroyed the key that seals a user's texts, no state or snapshot contains a readable copy.
package domain
