// Package hlstest checks playlists of low-latency HLS against draft-pantos-hls-rfc8216bis, and other playlists against
// RFC 8216. Only tests use it.
//
// A [Checker] follows the versions of one playlist like a player: it checks each version, and what the server may change
// between two versions. A [Media] checks the files of a playlist. Neither requests anything.
package hlstest
