// Package protocol is Socket.IO on top of package engineio: protocol 4, which clients 1.x and 2.x speak, and 5,
// which newer ones do. Both are served at once; what is emitted reads the same for both.
//
// A client is a socket in each namespace that it connected to. A socket hears events, with or without
// attachments and acknowledgements, and is handed them one after another. The promises:
//
//   - Nothing is sent to a socket before the answer to its CONNECT: old clients would lose it.
//   - A socket that the server disconnects is told so before its connection ends, and its client stays away.
//   - A client that comes back with what recovery gave it is the socket that it was, if it comes in time.
//   - Nothing a client sends makes the server keep more than it is configured to keep.
//
// Left out on purpose: msgpack and other parsers, volatile events, namespaces made up by clients.
package protocol
