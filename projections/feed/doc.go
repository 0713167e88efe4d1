// Package feed delivers the deltas of new events to the servers of one process.
//
// A Feed follows the log and releases the deltas of an event as soon as the read tables have applied the event. A
// server that queries a table after it has received a delta therefore finds the change there. Each subscriber receives
// every delta once, in the order of the log. If a subscriber stops reading, its subscription ends. LiveDeltas and
// UserDeltas read older deltas from the log, so that a client that reconnects misses nothing.
//
// The projector may run in another process. Notifications make the feed faster, but it works without them. It writes
// nothing.
package feed
