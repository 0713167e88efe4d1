// Package witness follows the transparency log of a server from elsewhere. A witness keeps the signed checkpoints that
// it has seen in a folder of its own, and accepts a new one only if its tree continues the newest one that it keeps. It
// reads the hashes for that from the tiles of the server, and needs no database.
//
// A witness is worth what its distance from the operator is worth: run it where the operator of the server can change
// neither its program nor its folder.
package witness
