// Package amf reads and writes AMF0, the values in which RTMP speaks: commands, their arguments and a
// stream's metadata.
//
// What comes from the network is walked once before the library that decodes it sees it, because that one
// allocates what a sender announces and recurses as deep as a sender nests. Nothing in a message can make
// Decode use more memory than a small multiple of the message, or end the process.
package amf
