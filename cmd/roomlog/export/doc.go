// Package export copies the log into a folder of files for analysts: one table for the whole log, and one for each event
// type, partitioned by day.
//
// The log is cut into segments. A segment contains the events of consecutive positions of one day, at most
// SegmentEvents. Its files are written completely, synced and renamed; then the manifest names them. An export that was
// killed therefore continues after the last segment in the manifest, and no event is missing or there twice. The last
// segment of a day grows: it is written again, under the same names, until it is full or the day is over.
//
// The package never writes private fields unless Options.Personal is set. After somebody was forgotten, a folder with
// private fields is written again from the log, which does not contain the texts any more.
package export
