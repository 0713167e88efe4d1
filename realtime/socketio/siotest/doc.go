// Package siotest is a client of Engine.IO and Socket.IO for tests. It has its own codec, so that it finds faults of the
// server's codec.
package siotest
