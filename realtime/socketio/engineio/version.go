package engineio

// Version is a version of the Engine.IO protocol.
type Version int

// Versions of Engine.IO. Clients of Socket.IO 1.x and 2.x speak version 3, newer clients version 4.
const (
	V3 Version = 3
	V4 Version = 4
)

// misdeclaring is the beginning of the User-Agent of the official C++ client. Until its version 2.0 of 2021 it declares
// version 4, but speaks version 3: it waits for the server to connect it, and sends pings.
const misdeclaring = "WebSocket++/"
