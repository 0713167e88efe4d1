// Package amf encodes and decodes AMF0, the format of RTMP commands, their arguments and stream metadata.
//
// Input from the network is scanned before flvio decodes it, because flvio allocates the length that a sender
// announces, and recurses as deep as the sender nests values. Decode uses at most a small multiple of the size of the
// message, whatever the message contains, and never panics.
package amf
