// Package chat is the chat beside the lives: users and anonymous visitors post in the public chat, in chat rooms, and
// to each other. It is one chat for all dialects; each connection that uses it has a Session.
//
// The package guarantees:
//
//   - Messages, joins and leaves are events of the log. A session receives those of its subscriptions after the
//     position that the subscription starts from, in order, once.
//   - The roster is complete on every node: who is in the chat, by which connection to which node, and in which rooms.
//   - A session that ends leaves the chat, even if the log is not available at that moment.
//
// Typing notes are sent to all nodes at most once and never stored. A chat that delivers slowly holds up nothing but
// itself.
package chat
