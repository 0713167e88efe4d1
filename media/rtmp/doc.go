// Package rtmp is the server's side of RTMP: handshake, chunks, commands, and the answers that real
// encoders and players wait for. It knows nothing of streams or rights. A Conn says what a client asks
// for, and nothing that the client sent is accepted before the caller said so.
//
// It is strict, because anybody may connect. The promises:
//
//   - A message costs memory only as its bytes arrive, never from the length it announces: at most 16 MiB
//     are pending on a connection, in at most 32 chunk streams; a media message has at most 8 MiB, any
//     other 64 KiB; chunks have 128 bytes to 1 MiB.
//   - From the first byte to publish or play a client has ten seconds and 64 messages in all; a trickle
//     of bytes does not extend that. Later a message has fifteen seconds to arrive, and what a client
//     does not read within five seconds (ten for media) ends its connection.
//   - Names are [A-Za-z0-9_-]{1,64}; whatever else is in a path is refused before anybody hears of it.
//   - Payloads are handed over as they came: codecs of today and tomorrow pass through.
package rtmp
