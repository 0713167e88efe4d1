// Package socketio is the dialect of clients that speak Socket.IO 2.x, 3.x and 4.x and cannot be changed. It translates
// between the hub and the chat on one side and the events, shapes and texts that these clients know on the other.
//
// A socket is not signed in: each event of the lives carries a token and is executed as the user of this token. Lives,
// presence, sessions, rates and bounds are those of packages hub and chat; this package holds no rule of its own. Its
// guarantees, beside those of packages engineio and protocol:
//
//   - Every event that is sent is in the log and in the tables before, and is encoded once for all sockets.
//   - An accepted comment or gift puts its sender into the live, who then sees it too: these clients join once, and
//     after a lost connection they do not know that they are outside.
//   - Nobody can use the ids that other users see to speak for a session.
//   - Texts are sent as they were typed; clients escape them. The plain chat is the exception: its pages insert
//     messages into their HTML, so the server escapes them.
//   - Every event that a client may send is in the table of events.go, with access, rate and documentation.
//
// The package never writes a table or the log except through the hub and the chat.
package socketio
