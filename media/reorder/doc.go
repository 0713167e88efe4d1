// Package reorder repairs the order of the messages of a publisher. Some encoders send a message twice, or send a
// message before the one that precedes it in decoding order. Decoders then show damaged pictures until the next key
// frame, and programs that derive times from the pictures lose the sync of sound and picture.
//
// The package guarantees:
//
//   - A message that repeats the one before it is left out. Two sounds with the same bytes are no repetition, because
//     silence always has the same bytes. Sounds are repetitions only if their timestamps are the same, too, and the
//     encoder does not give several sounds one timestamp.
//   - Two neighbouring messages in the wrong order are put right: the first one waits for the second one. A message
//     waits only if its timestamp or its number shows that another one is missing before it. The wait ends at the next
//     message of the track, and at the first call of Expire after [MaxWait]. After 25 equal steps, a message also waits
//     if the encoder has left out a picture or paused, because this looks the same.
//   - A picture of H.264 that arrives too late is left out. The pictures of H.264 are numbered in decoding order, so an
//     encoder that sends timestamps in presentation order is not mistaken for one that swaps pictures.
//
// The package never changes a message and never reads the clock.
package reorder
