// Package mp4track describes the tracks of a stream for MP4 files, derived from the sequence headers of the stream.
// Packages hls and record use it.
//
// The package guarantees that a [Track] can be written. mediacommon, which writes MP4, trusts its input and would fail
// in the middle of a file. Therefore New writes each track once in memory, and returns an error if that fails or
// panics. The package never writes files.
package mp4track
