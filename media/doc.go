// Package media is the video server. It receives streams over RTMP and distributes them over HTTP-FLV, WS-FLV, RTMP and
// HLS. A stream key grants no right, because every viewer of the stream has it. A client needs a sign; a [Signer]
// creates and verifies signs.
//
// A [Server] combines all parts. A frame takes this path:
//
//	publisher ─► rtmp.Conn ─► publication ─► stream: one ring of frames ─► Player: a cursor in the ring ─► its connection
//	                          ├ description (package flv)                  └ HLS: package hls segments what a Player reads
//	                          ├ decoding order (package reorder)
//	                          └ time in the broadcast (package timeline)
//
// The package guarantees:
//
//   - An [Authorizer] decides before a request is accepted. A refused publisher cannot send a frame. A client that was
//     authorized before a key was cut does not join the stream afterwards.
//   - A publisher never waits for players. A slow player is moved to the newest key frame, with the headers that apply
//     there; a player that accepts no data is disconnected.
//   - HLS and recordings miss no frame, even if an encoder sends many groups of pictures at once: a stream keeps what they
//     have not read, within [Limits].GOPBytes and GOPFrames.
//   - A key has one publisher, which claims it under one lock. The owner can take over from a connection that has
//     gone silent, and a publisher that reconnects in time continues its broadcast.
//   - Payloads are relayed unchanged, except start codes between NAL units, with timestamps that never jump. A payload
//     that no player can use is ignored, and a header that cannot be parsed does not replace one that can. The codec of
//     a track changes only with a frame that decoders can begin with. No payload ends a relay.
//   - An [Observer] is notified of the beginning and end of every broadcast, in order, and delays no frame.
//   - Everything that a client can use is limited: see [Limits] and the packages rtmp, amf, flv and hls.
//
// The package never imports the other servers (api, realtime), never reads the system clock (the caller provides Now),
// and never accepts a play sign for publishing.
package media
