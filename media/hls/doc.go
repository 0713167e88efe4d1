// Package hls segments one stream into HLS, with or without low latency, and serves the result: an index, a playlist for
// each track, and the files that they refer to. It depends neither on rights nor on the source of the frames.
//
// It guarantees:
//
//   - No HTTP request waits for the goroutine that writes. Write renders each new version of a playlist once, and all
//     requests are served from that. Requests wait for a part in this package: for a bounded time, in bounded number, and
//     only while the client is connected. Above the limit of an address, new requests replace older ones of this address.
//   - No version of a playlist is missed, even if many seconds are written at once: the parts near the end are always
//     listed.
//   - Playlists follow draft-pantos-hls-rfc8216bis, with rendition reports and delta updates.
//   - Every picture is in a segment, whatever the order and the temporal layers of the pictures. The last segment ends with the
//     stream, or with the run: before other sequence headers or a jump.
//   - The files of a segment are served for some time after the segment has left the playlist.
//   - A malformed frame is skipped, whatever it does to a parser. A stream that cannot be segmented (no key frame for
//     60 s, 250 malformed or too large frames of a track in a row, no codec that HLS supports) ends with an error. So a
//     segment has at most 60 s.
//   - When the sequence headers change, the timestamps jump or the video pauses for 3 s, segmenting starts again under the same names. Media
//     sequence numbers continue, and the playlists announce a discontinuity.
//   - A file name is never used twice, so that files can be cached for ever. Playlists must not be cached.
package hls
