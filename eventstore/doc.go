// Package eventstore is the log: the only place where events are written, and the ways to read them.
//
// It guarantees:
//   - The Sequencer decides commands and appends their events under one lock, which it holds until the commit.
//     Therefore the order of positions is the order of commits, positions have no gaps, and a reader of "everything
//     after position n" misses nothing.
//   - Execute returns after the events are on disk. A command with an idempotency key is executed once.
//   - Follow notices if the log is restored to an earlier state.
//   - Only the codec encodes and decodes payloads. It handles versions, upcasters and the sealing of personal texts.
//     Readers get the current version of an event. The texts of a forgotten user stay unreadable for ever.
//
// No code changes or deletes an event, and no other package writes events. The package contains no business rules;
// package domain does.
//
// Package consumer reads the log in consumer groups. Package cluster connects the nodes that share one log.
package eventstore
