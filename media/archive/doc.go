// Package archive ties recordings to rooms: which shows are recorded, what the log is told of it, and who may
// play what was recorded.
//
//   - A show of a room is recorded if the room's owner wants it, or if everything is recorded and the owner has not
//     said no. That is decided when the show begins.
//   - A recording becomes recording.started and recording.finished in the log, the latter told again until the log
//     has it, also by the next process. What is deleted to make room, or for its age, is recording.deleted first.
//   - What the tables say is deleted, or is of somebody who was forgotten, loses its files within a sweep of the
//     recorder.
//   - A recording may be played by whoever may play its room's stream, also when the room has ended.
package archive
