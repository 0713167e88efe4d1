// Package eventtable describes the events of the log as tables with typed columns: one table for each event type, and one
// for the whole log. The columns follow from the Go types of the events, so that a new event needs no change here.
//
// A table contains private fields only if its caller asks for them. What is private is decided by package replay, as for
// GET /api/events.
package eventtable
