// Package tlog serves the transparency log over HTTP (C2SP tlog-tiles): the newest signed checkpoint, and the tiles of
// the tree. It serves no entry bundles, because entries contain who gave whom how much, and private fields.
package tlog
