// Package feed delivers the deltas of new events to the servers of one process.
//
// A Feed follows the log and releases the deltas of events in the order of the log. Comments, and gifts that this
// process has decided, are released as soon as they are durable; all other events when the read tables have applied
// them. Comments and gifts wait for the tables, too, while the tables are far behind, and gifts while a coin event is
// held. A server that queries a table after it has received a delta finds the change there: its queries wait for the
// tables, see UpToDate. Each subscriber receives every delta once. If a subscriber stops reading, its subscription
// ends. LiveDeltas and UserDeltas read older deltas from the log, so that a client that reconnects misses nothing.
//
// A Feed reads the log in PostgreSQL, or receives what a relay has released over NATS, see Config.NATS. It guarantees
// the same in both cases.
//
// The projector may run in another process. Notifications make the feed faster, but it works without them. A feed
// writes nothing to the database.
package feed
