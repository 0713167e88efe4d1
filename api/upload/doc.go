// Package upload stores uploaded images and sounds in a folder and serves them.
//
// A file is stored whole or not at all, under a new random name. Its type is detected from its content, never from the
// name or the type that the client sent. Files that a client wrote are untrusted: they are served with headers that forbid
// browsers to run them. The package serves no file that it did not store.
package upload
