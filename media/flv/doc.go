// Package flv says what is in the payloads that RTMP and FLV carry: whether a frame is one to begin with,
// which codec it has, what a sequence header and the metadata tell, and where the coded units lie. It also
// writes tags.
//
// A stream is relayed as raw payloads; nothing here can change or stop one. What is read here serves
// statistics, HLS and recording, so that a payload that is broken, or of a codec nobody knows, costs an
// error and nothing else: every parser of a codec is called by the codec's id alone, and guarded.
package flv
