// Package streams converts the list of streams of package media/broadcasts to the types of the REST API. The server and
// the commands about streams use it.
package streams
