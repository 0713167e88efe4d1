package engineio

// Version is a version of the Engine.IO protocol.
type Version int

// Versions of Engine.IO. Clients of Socket.IO 1.x and 2.x speak version 3, newer clients version 4.
const (
	V3 Version = 3
	V4 Version = 4
)
