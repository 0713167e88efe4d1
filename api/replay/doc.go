// Package replay sends events of the log to readers: as a stream, first past events, then new events as the log grows,
// as pages, or only their number.
//
// Events are written in the order of the log, without gaps or duplicates. Every line and every page has a cursor with
// which an interrupted reader can continue. A reader that is too slow is disconnected, so that no events are buffered
// for it. The package does not decide who may read: it calls a check of its caller repeatedly while a stream is open,
// and ends the stream when the check fails. It never sends private fields to a reader without the role personal.
package replay
