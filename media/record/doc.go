// Package record writes broadcasts to disk while they run: one recording per broadcast, including its reconnects. A
// recorder reads a broadcast like a player, so that it delays neither the publisher nor the players. The package checks
// no rights.
//
// A recording is a directory FOLDER/ID with these files:
//
//	1.mp4         the first part: fragmented MP4, complete up to its last fragment at any time
//	2.mp4         the next part, after a change of size or codec that MP4 cannot store in one file, or of a long recording
//	3.flv         FLV tags, for content that MP4 cannot store
//	index.jsonl   one line per part and fragment: its place in the file and its time
//
// The package guarantees:
//
//   - Written data stays playable. A killed process loses one or two seconds, and the next process closes its recordings.
//   - A power failure may lose more. A closed recording was synced, with its index and its seek table, and stays
//     complete. Of a running recording, first the part and then the index are synced: with the first fragment of each
//     part, and later with each fragment that is written at least 5 s after the last sync. What was written since the
//     last sync may be missing, or damaged on a file system that stores a file's size before its data. A broadcast
//     that pauses is not synced until it continues or ends. Notifications and deletions are not synced and may be
//     repeated.
//   - A recording uses bounded memory, and all recordings together use bounded disk space. The oldest closed
//     recordings are deleted to make room for running ones, and then the oldest parts of the running one; its newest part
//     is never deleted. With the setting "end" of Config.RecordOverflow, the recording ends instead. The broadcast continues.
//   - Payloads are written unchanged. A frame that cannot be parsed is skipped, and the recording continues.
//   - An [Observer] is notified of every recording that was started, and at least once of its end.
//   - Only files of recordings can be read.
package record
