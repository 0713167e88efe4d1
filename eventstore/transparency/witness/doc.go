// Package witness follows the transparency log of a server from another machine. A witness keeps the signed checkpoints
// that it has seen in a folder of its own. It accepts a new checkpoint only if its tree continues the tree of the
// newest kept one. It reads the necessary hashes from the tiles of the server, and needs no database.
//
// A witness protects only against operators who cannot change it. Run it where the operator of the server can change
// neither its program nor its folder.
package witness
