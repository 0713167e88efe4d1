// Package ws is a WebSocket server (RFC 6455, with permessage-deflate) that sends from the server to many slow clients.
//
// It guarantees that no method waits for the network, that the memory of a connection is bounded, that all
// connections of a Fanout get its frames in one order, and that no client can send a frame which a correct client
// would not send. It never reads the meaning of a message and imports no other package of this module.
package ws
