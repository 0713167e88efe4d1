// Package coded turns what the sequence headers of a stream say into what MP4 files say of it, for whoever
// cuts a stream into such files: HLS and recordings.
//
// The promise: a [Track] that was made can be written. The library that writes files trusts what it is told,
// and some of it is only looked at in the middle of writing; here it is tried first, and what cannot be
// written is an error, whatever a parser does with it.
package coded
