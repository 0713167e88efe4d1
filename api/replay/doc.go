// Package replay streams the log to readers: first past events, then new events as the log grows.
//
// Events are written in the order of the log, without gaps or duplicates. Every line has a cursor with which an
// interrupted reader can continue. A reader that is too slow is disconnected, so that no events are buffered for it.
// The package does not decide who may read: it calls a check of its caller repeatedly while a stream is open, and ends
// the stream when the check fails.
package replay
