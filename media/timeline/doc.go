// Package timeline converts the timestamps of an encoder to the timestamps of a broadcast. Every stream has one
// [Timeline], which places each payload before players, HLS and recordings see it.
//
// The package guarantees for coded frames:
//
//   - A clock that runs as expected is not changed, except by one offset for all tracks.
//   - Timestamps of the broadcast never jump. A frame is expected between the end of the previous frame of its track and
//     the present. A frame that is more than [MaxAhead] after that or more than [MaxBack] before it continues where its
//     track was.
//   - Tracks that jump together stay in sync, because the second track takes over the offset of the first one.
//   - The broadcast keeps wall-clock time while frames are missing: the timestamps after a reconnect, a pause or a stall
//     of the network include the time in between.
//   - A track whose clock is more than [MaxSkew] away from the newest frame of the stream, or stands still, gets the
//     time of its arrival.
//
// The package never changes payloads and never reads the clock.
package timeline
