// Package streams presents the streams of all nodes, as package media/broadcasts lists them, in the types of the REST
// API. It is used by the server and by the commands about streams.
package streams
