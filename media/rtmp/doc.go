// Package rtmp implements RTMP: handshake, chunks, commands, and the responses that encoders and players expect. The package
// knows no streams and makes no access decisions: a [Conn] returns the request of a client, and the caller accepts or refuses
// it. A [Publisher] is the client side: it publishes a stream to another server.
//
// The package does not trust the other side. It guarantees:
//
//   - A message uses memory only as its bytes arrive, never by its announced length. A connection holds at most 16 MiB
//     of incomplete messages in at most 32 chunk streams. A media message has at most 8 MiB, any other message 64 KiB.
//     Chunks have 128 bytes to 1 MiB.
//   - From connecting to publish or play, a client has 10 s and 64 messages, however slowly bytes arrive. Then each
//     message of a publisher must arrive within 15 s, and a player must send something, such as a pong, within 60 s. A
//     client that does not accept a response within 5 s, or media within 10 s, is disconnected.
//   - Names are [A-Za-z0-9_-]{1,64}. A path with other names is refused before the caller sees it.
//   - Payloads are passed on unchanged, whatever their codec.
package rtmp
