// Package anchor stores signed checkpoints elsewhere: in a file that only grows, or at a URL. Stored checkpoints prove
// later that the log was not rewritten since they were stored.
//
// An anchor protects only against operators who cannot change it. Use a file system or a service that the operator of
// the server cannot change.
package anchor
