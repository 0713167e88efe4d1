// Package ws is a WebSocket server (RFC 6455, with permessage-deflate) that sends from the server to many slow clients.
//
// It guarantees that no method waits for the network, that the memory of a connection is bounded, that all connections
// of a Fanout receive its frames in the same order, and that every frame of a client which violates RFC 6455 closes the
// connection. It does not interpret messages and imports no other package of this module.
package ws
