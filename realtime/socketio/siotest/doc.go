// Package siotest has clients of Engine.IO and Socket.IO for tests. It reads and writes what is on the wire by
// its own means, so that a fault of the server's codec shows.
package siotest
