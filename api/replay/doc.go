// Package replay streams the event log to readers: past events first, then new ones as the log grows.
//
// Events are written in the order of the log, without gaps or duplicates. Every line has a cursor with which an
// interrupted reader continues. A reader that is too slow is disconnected, so that it holds no memory. The package decides
// nothing about access: its caller passes a check that it repeats while a stream is open.
package replay
