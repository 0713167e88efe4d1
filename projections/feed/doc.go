// Package feed delivers the deltas of new events to the servers of one process.
//
// A Feed follows the log and releases deltas as soon as the read tables have applied their events. A server that
// queries a table after receiving a delta therefore finds the change there. Each subscriber receives every delta once,
// in the order of the log; the subscription of a subscriber that stops reading is ended. LiveDeltas and UserDeltas read
// older deltas from the log, so that a client that reconnects misses nothing.
//
// The projector may run in another process. Notifications make the feed faster, but it works without them. It writes
// nothing.
package feed
