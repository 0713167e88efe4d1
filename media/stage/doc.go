// Package stage ties streams to rooms: who may stream into one and watch it, what the log is told of it, and
// who is taken off when the room ends.
//
//   - [Stage] is the gate of a media.Server. A sign opens the stream of a room that there is and that has not ended,
//     of somebody who may do things here, and no two processes take in a stream of one room.
//   - It is the server's observer: every show becomes live.publish_started and live.publish_stopped in the log,
//     told again until the log has them. Nothing of it happens in the path of a frame.
//   - It hears what the log says: a room that has ended, an owner who is locked out, a stream that an operator ended,
//     a stream of the same room that began elsewhere later. What it has of them is cut at once, on every process.
//   - The shows of a process that died are said to have ended by another one, or by the next that starts.
//
// It decides nothing about rooms: that is the domain's. It never touches a frame.
package stage
