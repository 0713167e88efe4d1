// Package engineio carries messages between this server and old clients: Engine.IO 3 and 4, over long-polling,
// over WebSocket, or over the first until it is upgraded to the second.
//
// It knows sessions and messages, not what they mean. The promises:
//
//   - The layer above is handed the messages of a session one after another, in the order they were sent, and
//     the end of the session after the last of them. What it sends arrives in order too, also across an upgrade.
//   - A session is heard of in time or ended: its deadlines are points in time, which no late timer moves. A
//     session whose own message is still being handled is not silent.
//   - A session id opens its session on the transport that holds it and nowhere else. Engine.IO 3 shows the id
//     to other people, so a session of it that still polls has an alias to be shown by.
//   - A reader who is slow, or does not fetch, costs only itself, within the bounds of package realtime.
//
// Left out on purpose: JSONP, WebTransport, compression.
package engineio
