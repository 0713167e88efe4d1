// Package flv describes the payloads of RTMP and FLV: whether a frame is a key frame, its codec, the content of
// sequence headers and metadata, and the units of a frame: NAL units or, for AV1, open bitstream units (OBUs). It also
// builds FLV tags.
//
// A stream is relayed as raw payloads, and this package never changes a payload. Its results are used for statistics,
// HLS and recordings. A payload that is malformed or has an unknown codec causes only an error: a parser is called only
// for its own codec, and its panics are turned into errors.
package flv
