// Package tree keeps the transparency log of a log (package transparency) in PostgreSQL.
//
// A Follower extends the tree when the log has grown, and signs a checkpoint, in one transaction. The sequencer does
// nothing for the tree. Only one process extends the tree at a time. A process that is killed loses nothing, because
// tiles, size and checkpoint change together.
//
// The history of a log can change: a database may be restored to an earlier state, and then continue differently. The
// tree is in the same database and falls back with it. Therefore every Follower remembers the newest checkpoint in
// memory and in a file. If the tree does not contain the tree of a remembered checkpoint, the follower halts the tree
// for all processes. Nothing is then signed until an operator begins a new tree, which has another name.
//
// The package writes the tables tlog_tile, tlog_tree, tlog_checkpoint, tlog_cosignature and tlog_fork, and no other.
package tree
