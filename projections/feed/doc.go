// Package feed delivers what happens to the servers of one process, as deltas.
//
// A Feed follows the log and releases deltas as soon as the read tables have applied their events. A server that
// queries a table after receiving a delta therefore finds the change there. Each subscriber receives every delta once,
// in the order of the log; a subscriber that stops reading is cut off. LiveDeltas and UserDeltas read older deltas from
// the log, so that a client that reconnects misses nothing.
//
// The feed needs no projector in its own process, and no notifications: they only make it faster. It writes nothing.
package feed
