// Package transparency defines the transparency log of roomlog: a Merkle tree (RFC 6962) over all events, in tiles
// (C2SP tlog-tiles), with checkpoints that the servers sign (C2SP tlog-checkpoint). Somebody who has kept a checkpoint
// can prove later that an event was in the log, and can find out that an event was changed, removed or inserted.
//
// The entry of an event consists of all columns of table events as they are stored; personal texts are sealed. Erasing
// a key therefore changes no hash. The index of an event in the tree is its position minus 1.
//
// The package does not use a database. Package tree keeps the tree of a log in PostgreSQL.
package transparency
