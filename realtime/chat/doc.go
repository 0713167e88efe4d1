// Package chat implements the chat outside of lives: users and anonymous visitors post in the public chat, in chat
// rooms, and to each other. All dialects share one chat. Each connection that uses the chat has a Session.
//
// The package guarantees:
//
//   - Messages, joins and leaves are events of the log. A Session receives the events of each of its subscriptions
//     after the start position of the subscription, in order and once.
//   - Every node has the complete roster: all participants, with their connections, nodes and chat rooms.
//   - A Session that ends leaves the chat, even if the log is not available at that moment.
//
// Typing notes are sent to all nodes at most once and are never stored. A slow chat does not delay the hub.
package chat
