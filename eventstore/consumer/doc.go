// Package consumer reads the log in consumer groups, as a watermill subscription: the position of a group and the work
// on its events change in one transaction, or neither does.
//
// What it guarantees:
//   - A group receives every event once, in order and without a gap, however often a process or a connection dies.
//   - Only one process of a group works at a time. A frozen process loses the checkpoint to another one after 5 seconds.
//   - Reading writes nothing while there is nothing to read.
//
// A checkpoint stores only a position, and no id of an event. That suffices, because the checkpoint is in the database of
// the log and is restored together with the log. A reader that stores its position elsewhere uses eventstore.Store.Follow.
//
// The package writes table checkpoint and no other.
package consumer
