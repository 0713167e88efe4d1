// Package consumer reads the log in consumer groups, as a watermill subscription. The position of a group and the work
// on the events change in one transaction: both change, or neither does.
//
// It guarantees:
//   - A group receives every event once, in order and without a gap, however often a process or a connection dies.
//   - Only one process of a group works at a time. A frozen process loses the checkpoint to another process after 5
//     seconds.
//   - An idle reader writes nothing to the database.
//   - It never works on a log that does not contain the event of the checkpoint, as after a restore of only a part of
//     the database. It then fails with a *CheckpointError until the tables of the group are derived from the log again.
//
// A reader that stores its position outside the database of the log uses eventstore.Store.Follow.
//
// The package writes only table checkpoint.
package consumer
