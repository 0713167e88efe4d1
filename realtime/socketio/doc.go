// Package socketio is the dialect of clients that speak Socket.IO 2.x, 3.x and 4.x and cannot be changed. It translates
// between the hub and the chat on one side and the events, shapes and texts of these clients on the other.
//
// A socket is not signed in: each event of the lives carries a token and is executed as the user of this token. Packages
// hub and chat decide about lives, presence, sessions, rates and bounds; this package has no rules of its own. In addition
// to packages engineio and protocol, it guarantees:
//
//   - Every event that is sent is in the log and in the tables before, and is encoded once for all sockets.
//   - An accepted comment or gift puts its sender into the live, so that the sender sees it too: these clients join
//     once, and do not join again after a lost connection.
//   - The ids that other users see are not enough to send as the client of a session.
//   - Texts are not escaped, because clients escape them. The plain chat is the exception: its pages insert messages
//     into their HTML, so the server escapes them.
//   - Every event that a client may send is in the table of events.go, with access, rate and documentation.
//
// The package never writes a table or the log except through the hub and the chat.
package socketio
