// Package hls cuts one stream into HLS, plain or with low latency, and serves what was cut: an index, a
// playlist for each track, and the files that they name. It knows nothing of rights, and nothing of where
// frames come from.
//
// The library that does the cutting is kept at a distance, because it trusts its input and its callers. The
// promises:
//
//   - No request ever waits inside of it. Playlists are taken from it once per part, by one goroutine for
//     each, and served from there to everybody; who waits for a part does so here, for a bounded time, in
//     bounded number, and not after it has gone away.
//   - A frame that is broken is left out, whatever it does to a parser. A stream that cannot be cut (no key
//     frames, no codec that HLS knows) ends with an error.
//   - When the sequence headers change, or time jumps, the cut begins anew under the same names: media
//     sequence numbers go on, and a discontinuity is announced.
//   - Names of files are never used twice, so that they can be cached for ever; playlists are not to be
//     cached.
package hls
