// Package ws is a WebSocket server (RFC 6455, with permessage-deflate). It sends the same frames to many clients, some
// of them slow.
//
// It guarantees:
//   - No method waits for the network.
//   - The memory of a connection is bounded, except that one Send to an empty queue may have any size.
//   - All connections of a Fanout receive its frames in the same order. Only slow readers miss droppable frames and
//     receive the latest frames earlier.
//   - Every frame of a client that violates RFC 6455 closes the connection.
//
// It does not interpret messages.
package ws
