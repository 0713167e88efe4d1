// Package hub knows the clients that are connected to this node: which users they are, which lives they are in, and
// what they may do. It delivers what the feed releases to them and keeps the presence of viewers in the log.
//
// A server of a protocol is a Dialect. It registers a Client for each signed-in user on a connection, and subscribes
// to the lives that its clients are in with a Subscriber. The chat follows the hub as a Follower.
//
// The package guarantees:
//
//   - A subscriber and a client receive every delta of their live or user channel after the position that they
//     subscribed at, in order, once. When the hub missed deltas, it resets them: their clients reconnect and resume.
//   - A user is present in a live from the first connection to the end of the last one. The viewers of a lost node
//     leave after PresenceGrace unless they came back.
//   - Every node revokes clients whose session is no longer valid, and kicks clients that an operator kicks.
//
// It never waits for a client or for the database while it delivers, and it knows no protocol and no JSON frame.
package hub
