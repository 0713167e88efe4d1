// Package socketio is the dialect of clients that use Socket.IO 2.x, 3.x and 4.x and cannot be changed. It translates
// between the hub and the chat on one side, and the events and texts of these clients on the other.
//
// A socket is not signed in: each event about a live contains a token and is executed as the user of this token.
// Packages hub and chat decide about lives, presence, sign-in sessions, rates and bounds; this package has no rules of
// its own. In addition to packages engineio and protocol, it guarantees:
//
//   - An event is sent after the log contains it, and later reads of the tables contain it, too. It is encoded once for
//     all sockets.
//   - An accepted comment or gift makes its sender join the live, so that the sender receives it, too: these clients
//     join once, and do not join again after a lost connection.
//   - Somebody who knows the ids that other users see cannot send messages in the name of a client.
//   - Texts are sent unescaped, because clients escape them. The chat profile plain is the exception: its pages insert
//     messages into their HTML, so the server escapes them.
//   - The table in events.go contains every event that a client may send, with its access rule, rate and documentation.
//
// The package writes to the log only through the hub and the chat, and writes no table.
package socketio
