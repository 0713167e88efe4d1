// Package protocol is Socket.IO on top of package engineio: protocol 4, which clients 1.x and 2.x speak, and protocol 5,
// which newer clients speak. Clients of both connect to the same server, and an event reads the same for both.
//
// A client is one Socket in each namespace that it is connected to. A socket receives events, with or without
// attachments and acknowledgements, and handles them one after another. The package guarantees:
//
//   - Nothing is sent to a socket before the response to its CONNECT: clients of protocol 4 would lose it.
//   - A socket that the server disconnects gets the packet for it before its connection ends, so that its client does
//     not reconnect.
//   - A client that reconnects with its recovery data within Recovery.Keep continues with its previous socket.
//   - No client can make the server store more data than the configuration allows.
//
// It never supports msgpack and other parsers, volatile events, or namespaces that clients create. Of this module it
// imports only engineio, ws and packages of internal.
package protocol
