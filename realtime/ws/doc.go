// Package ws is a WebSocket server (RFC 6455, with permessage-deflate). It sends the same frames to many clients, some
// of them slow.
//
// It guarantees:
//   - No method waits for the network.
//   - The memory of a connection is bounded.
//   - All connections of a Fanout receive its frames in the same order.
//   - Every frame of a client that violates RFC 6455 closes the connection.
//
// It does not interpret messages.
package ws
