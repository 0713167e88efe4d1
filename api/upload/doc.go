// Package upload stores uploaded images and sounds in a folder and serves them.
//
// A file is stored completely or not at all, under a new random name. Its type is detected from its content, never from
// the name or the type that the client sent. The content is untrusted: files are served with headers that prevent
// browsers from running scripts in them. The package serves only files that it has stored.
package upload
