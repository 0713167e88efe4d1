// Package engineio carries messages between the server and clients of Engine.IO 3 and 4: over long-polling, over
// WebSocket, or over polling until the session is upgraded to WebSocket.
//
// It handles sessions and messages and does not read the meaning of a message. It guarantees:
//
//   - The Handler of a session gets the messages one after another, in the order in which they were sent, and then the
//     end of the session. Frames to a session also arrive in their order, even across an upgrade.
//   - A session that is silent beyond its deadline is ended. Deadlines are points in time that a late timer does not
//     move. A session whose own message is still being handled is not silent.
//   - A session id opens its session only on the transport that holds it. Engine.IO 3 shows ids to other users, so
//     a session of version 3 that polls has an alias that other users may see.
//   - A slow reader, or a client that does not poll, costs only itself, within the bounds of package ws.
//
// It never supports JSONP, WebTransport or compression. Of this module it imports only ws and packages of internal.
package engineio
