// Package socketio is the dialect of old clients: apps and pages that speak Socket.IO 2.x, 3.x and 4.x, and
// cannot be changed. It says what package realtime knows in the events, shapes and texts that they know.
//
// A socket is nobody's: each message carries a token and is in its person's name, and what is joined is joined by
// this person on this socket. Rooms, presence, sessions, paces and limits are those of package realtime: no
// rule of a room is written here. The promises, beside those of packages engineio and protocol:
//
//   - Nothing is pushed that is not in the log and the tables; each push is encoded once for all sockets.
//   - A comment or gift that is accepted puts its sender into the room, who then also sees it: these clients join
//     once, and are outside after a lost connection without knowing.
//   - The ids that other people see open nothing.
//   - Texts leave as they were typed: these clients put them where they belong.
package socketio
