// Package replica reads the history of the log from a hot standby of PostgreSQL, so that analysts do not load the primary.
//
// The standby serves events that it certainly has in common with the log. Everything else comes from the primary: newer events, the
// end of the log, cursors, the keys of personal texts, and every page that the standby could not deliver. A reader therefore gets
// the same events as without a standby, each once, whatever happens to the standby. Decisions, tables and pushes never use it.
package replica
