// Package flv describes the payloads of RTMP and FLV: whether a frame is a key frame, its codec, the content of sequence
// headers and metadata, and the NAL units of a frame or, for AV1, its open bitstream units (OBUs). It also builds FLV
// tags.
//
// A stream is relayed as raw payloads, and this package never changes a payload. Its results serve statistics, HLS and
// recordings. A payload that is malformed or of an unknown codec causes an error and nothing else: a parser is called
// only for its own codec, and its panics are turned into errors.
package flv
