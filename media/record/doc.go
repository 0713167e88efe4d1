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
//   - A recording takes bounded memory, and all of them together take bounded space. For a show that runs,
//     the oldest closed recordings make room; one that is being written is never taken away. When there is
//     none left, or the disk is full, the recording ends, and the show goes on.
//   - Payloads are written as they came. A frame that a parser does not like is left out, and ends nothing.
//   - An [Observer] hears of every recording that was begun, and of its end at least once.
//   - Nobody reads a file that is not part of a recording.
package record
