package engineio

// Version is a version of the protocol.
type Version int

// Clients of Socket.IO 1.x and 2.x speak version 3, newer clients speak version 4.
const (
	V3 Version = 3
	V4 Version = 4
)
