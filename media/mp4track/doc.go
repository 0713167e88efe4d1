// Package mp4track describes the tracks of a stream as MP4 files need them, from the sequence headers of the stream. HLS
// segments and recordings use it.
//
// The package guarantees that a [Track] can be written: the library that writes MP4 trusts its input and would fail in
// the middle of a file, so New writes each track once and returns an error if that fails or panics. The package never
// writes files.
package mp4track
