// Package restream pushes broadcasts on to other RTMP and RTMPS servers. The node with the encoder pushes.
//
//	encoder ─► ring ─► one player and one connection for each target ─► target
//
// A [Pusher] pushes the broadcasts of a node to their targets. A [Sealer] keeps stream keys secret.
//
// The package guarantees:
//
//   - A target receives the metadata and the sequence headers first, then a key frame. Payloads are not changed.
//   - The timestamps of a connection begin at 0 and never decrease, also when the encoder reconnects.
//   - A target that is slow skips to a newer key frame. It delays neither the encoder nor players nor other targets, and uses a
//     bounded amount of memory.
//   - A connection that is lost or refused is tried again, with growing pauses, until the broadcast ends or the target changes.
//   - Payloads of enhanced RTMP are sent only to servers that announce their codec.
//   - A connection is made only to public addresses, and to networks that the operator permits. A server with the same secrets
//     refuses it, so that no stream returns to its own service.
//   - No log message, state or error contains a stream key.
//
// The package never reads the log and decides nothing about lives.
package restream
