// Package hub contains the clients that are connected to this node, with their users and the lives that they are in. It
// delivers the deltas and gauges of the feed to them, and records the presence of viewers in the log.
//
// A server of a protocol is a Dialect. It registers a Client for each signed-in user on a connection. For each live
// that its clients are in, it subscribes a Subscriber. The chat receives all deltas as a Follower.
//
// The package guarantees:
//
//   - A subscriber or a client receives every delta of its live or user channel after the position at which it
//     subscribed, in order and once. If the hub has missed deltas, it resets all subscribers and clients: the clients
//     reconnect and resume.
//   - A user is present in a live from the join of the user's first connection to the end of the user's last connection
//     in this live. The viewers of a lost node leave after PresenceGrace, unless they have reconnected.
//   - Every node revokes clients whose sign-in session is no longer valid, and kicks clients that an operator kicks.
//
// The package never waits for a client or for the database while it delivers. It does not depend on a protocol or on
// the format of frames.
package hub
