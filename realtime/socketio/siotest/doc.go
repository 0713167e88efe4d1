// Package siotest is an Engine.IO and Socket.IO client for tests. It does not use the codec of the server, so tests
// find errors in that codec.
package siotest
