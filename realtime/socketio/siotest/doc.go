// Package siotest provides an Engine.IO and Socket.IO client for tests. The client does not use the codec of the
// server, so that tests find errors in that codec.
package siotest
