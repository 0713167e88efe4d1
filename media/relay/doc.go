// Package relay makes a stream playable at nodes that do not have its publisher. Such a node is an edge of the stream; the node
// with the publisher is its origin.
//
//	encoder ─► origin: ring ─► HTTP-FLV over the internal address ─► edge: ring ─► its players, over every protocol
//
// A [Puller] of the edge pulls a stream once for all its players. A [Handler] of the origin serves it.
//
// The package guarantees:
//
//   - An edge pulls a stream at most once, and a bounded number of streams. It stops some time after the last player has left.
//   - Frames keep the times and the bytes of the origin. When the publisher has moved, the times go on.
//   - When the origin is lost, the players of the edge stay connected while the edge looks for the new origin. A broadcast
//     that has ended ends for them, too.
//   - Only nodes with the shared secret pull, with a sign that is valid for one request, one path, one edge, one origin and half
//     a minute. A node that relays a stream itself refuses, so there are no loops.
//   - The rights of viewers are checked at the edge, where they are connected. A relay is no viewer.
//
// The package never decides who may play, never reads the log, and starts no goroutine outside Puller.Run.
package relay
