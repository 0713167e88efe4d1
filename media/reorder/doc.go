// Package reorder repairs the order of the messages of a publisher. Some encoders send a message twice, or a message before
// the one that precedes it in decoding order. Decoders then show damaged pictures until the next key frame, and programs
// that derive times from the pictures lose their sync.
//
// The package guarantees:
//
//   - A message that repeats the one before it is left out. Two sounds with the same bytes are no repetition, because
//     silence has the same bytes all the time: the timestamps must be the same, too, and the encoder must not be one that
//     gives several sounds one timestamp.
//   - Two neighbouring messages in the wrong order are put right: the first one waits for the second one. A message waits
//     only if its timestamp or its number shows that one is missing before it: at most until the next message of its track,
//     and until the first call of Expire after [MaxWait]. A message also waits if the encoder has left out a picture or
//     paused after 25 equal steps, which looks the same.
//   - A picture of H.264 that arrives too late is left out. The pictures of H.264 are numbered in decoding order, so an
//     encoder that sends timestamps in presentation order is not mistaken for one that swaps pictures.
//
// The package never changes a message and never reads the clock.
package reorder
