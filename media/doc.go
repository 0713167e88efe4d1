// Package media is the video door: it takes streams in over RTMP and gives them out over HTTP-FLV, WS-FLV,
// RTMP and HLS, and it decides by signs who may do so. A stream's key is known to every viewer and opens
// nothing by itself; only a sign does, and a [Signer] makes and verifies them.
//
// A [Server] is all of it. A frame's way through it is straight:
//
//	publisher ─► rtmp.Conn ─► feed ─► stream: one ring of frames ─► Player, a place in the ring ─► its connection
//	                          └ what it is (package flv)             └ HLS: package hls cuts what such a Player reads
//
// What it promises:
//
//   - A [Gate] decides before anything is accepted. A publisher that is refused injects nothing, and who was
//     let in a moment before a key was cut does not come in.
//   - A publisher waits for nobody. A player that is slow is taken to the newest key frame, with the headers
//     that belong to it; one that takes nothing is dropped.
//   - A key has one publisher. It is claimed under one lock; its owner can take over from a connection that
//     has gone silent, and a lost publisher that comes back in time goes on with the same show.
//   - Payloads are relayed as they came. What is read of them serves statistics and HLS, and cannot end a
//     relay.
//   - An [Observer] hears of every show from its first frame to its end, in order, and holds up no frame.
//   - Everything that a stranger, a publisher or a player may ask for has a limit: see [Limits] and the
//     packages rtmp, amf, flv and hls.
//
// It never imports another door, never reads a clock of its own (the caller gives one), and never lets a
// sign that a viewer may have open publishing.
package media
