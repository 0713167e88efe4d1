// Package anchor stores signed checkpoints elsewhere: in a file that only grows, or at a URL. Somebody who has stored
// checkpoints proves with them later that the log was not rewritten since.
//
// An anchor is worth what its distance from the operator is worth: use a file system or a service where the operator of
// the server can change nothing.
package anchor
