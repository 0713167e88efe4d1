// Package feed delivers the deltas of new events to the servers of one process.
//
// A Feed follows the log and releases the deltas of events in the order of the log. Comments and gifts are released as
// soon as they are durable, other events as soon as the read tables have applied them. A server that queries a table
// after it has received a delta finds the change there: its queries wait for the tables, see UpToDate. Each subscriber receives
// every delta once, in the order of the log. If a subscriber stops reading, its subscription ends. LiveDeltas and
// UserDeltas read older deltas from the log, so that a client that reconnects misses nothing.
//
// A Feed reads the log in PostgreSQL, or receives what a relay has released over NATS, see Config.NATS. In both cases it
// guarantees the same.
//
// The projector may run in another process. Notifications make the feed faster, but it works without them. It writes
// nothing.
package feed
