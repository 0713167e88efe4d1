// Package record writes shows to disk while they run: one recording for each show, with all the reconnects
// between. It reads a show as a player does, so that it holds up neither its publisher nor anybody else, and
// it knows nothing of rights.
//
// A recording is a folder of its own, FOLDER/ID, which holds
//
//	1.mp4         the first part: fragmented MP4, complete up to its last fragment at every moment
//	2.mp4         what came after a change of size or codec, for which MP4 needs a new file
//	3.flv         what MP4 does not hold: the tags as they came
//	index.jsonl   a line for each part and each fragment: where it is, when in the show, when on the clock
//
// What it promises:
//
//   - What was written stays playable, whatever happens: a process that is killed loses a second or two, and
//     the next one closes what it finds.
//   - A power cut takes more. What is closed was synced, with its index and its table, and stays. Of what runs
//     the disk is asked to keep the part, then the index, with the first fragment of each part, and from then
//     on with the first one that is written five seconds or more after the last time: up to there it stays, and
//     so do the names of its files and folders. What was written since may be missing, or damaged where the
//     file system keeps a size before its bytes. A show that pauses is not synced until it goes on or ends.
//     Nor is it synced that a recording was told of, which is then told again, or that it was deleted.
//   - A recording takes bounded memory, and all of them together take bounded space. For a show that runs,
//     the oldest closed recordings make room; one that is being written is never taken away. When there is
//     none left, or the disk is full, the recording ends, and the show goes on.
//   - Payloads are written as they came. A frame that a parser does not like is left out, and ends nothing.
//   - An [Observer] hears of every recording that was begun, and of its end at least once.
//   - Nobody reads a file that is not part of a recording.
package record
