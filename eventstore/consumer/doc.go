// Package consumer reads the log in consumer groups, as a watermill subscription: the position of a group and the work
// on its events change in one transaction, or neither does.
//
// What it guarantees:
//   - A group receives every event once, in order and without a gap, however often a process or a connection dies.
//   - Several processes of a group take turns. A frozen one gives its turn up after 5 seconds.
//   - Reading writes nothing while there is nothing to read.
//
// A position is the only thing that a checkpoint remembers. That suffices, because the table is in the database of the
// log and falls back with it when the log is restored. Whoever keeps a position elsewhere uses eventstore.Store.Follow.
//
// The package writes table checkpoint and no other.
package consumer
