// Package consumer reads the log in consumer groups, as a watermill subscription: the position of a group and the work
// on its events change in one transaction, or neither does.
//
// What it guarantees:
//   - A group receives every event once, in order and without a gap, however often a process or a connection dies.
//   - Only one process of a group works at a time. A frozen process loses the checkpoint to another one after 5 seconds.
//   - Reading writes nothing while there is nothing to read.
//   - It never works on a log that lacks the event of the checkpoint: it fails with a *CheckpointError until the work of the
//     group is derived again. Such a checkpoint comes from a restore of a part of the database.
//
// A reader that stores its position outside the database of the log uses eventstore.Store.Follow.
//
// The package writes table checkpoint and no other.
package consumer
