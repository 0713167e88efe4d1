// Package media is the video server. It receives streams over RTMP and distributes them over HTTP-FLV, WS-FLV, RTMP and
// HLS. Rights are granted by signs: every viewer of a stream knows its key, and the key alone grants nothing. A [Signer]
// creates and verifies signs.
//
// A [Server] does all of it. A frame takes a straight path:
//
//	publisher ─► rtmp.Conn ─► publication ─► stream: one ring of frames ─► Player: a cursor in the ring ─► its connection
//	                          └ description (package flv)                  └ HLS: package hls segments what a Player reads
//
// The package guarantees:
//
//   - An [Authorizer] decides before anything is accepted. A refused publisher cannot send a frame. A client that was
//     authorized before a key was cut does not join the stream afterwards.
//   - A publisher never waits for players. A slow player is moved to the newest key frame, with the headers that apply
//     there; a player that accepts no data is disconnected.
//   - A key has one publisher. The key is claimed under one lock. Its owner can take over from a connection that has
//     gone silent, and a publisher that reconnects in time continues its broadcast.
//   - Payloads are relayed unchanged. Parsers serve statistics and HLS only; a parser error never ends a relay.
//   - An [Observer] is notified of the beginning and end of every broadcast, in order, and delays no frame.
//   - Everything that a client can use is limited: see [Limits] and the packages rtmp, amf, flv and hls.
//
// The package never imports the other servers (api, realtime), never reads the system clock (the caller provides Now),
// and never accepts a play sign for publishing.
package media
