package media

import "cmp"

// The limits that a zero Limits means.
const (
	// DefaultMaxConnections bounds publishers and players of a process.
	DefaultMaxConnections = 10_000
	// DefaultMaxPerAddress is generous, because mobile networks put many people behind one address.
	DefaultMaxPerAddress = 1_000
	// DefaultMaxPerStream bounds the players of one stream.
	DefaultMaxPerStream = 5_000
	// DefaultMaxStreams bounds the streams that are published. So many there may be in all for a player to wait
	// for one more; those that are waited for take no publisher's place.
	DefaultMaxStreams = 1_000
	// DefaultMaxPending bounds the RTMP connections of whom nobody knows yet what they want, in all, and
	// DefaultMaxPendingPerAddress from one address. They are gone after ten seconds.
	DefaultMaxPending           = 1_000
	DefaultMaxPendingPerAddress = 256
	// DefaultGOPBytes and DefaultGOPFrames bound what is kept of one stream: two groups of pictures of any
	// usual encoder. Players of a stream with larger groups begin, and go on, without a key frame's help.
	DefaultGOPBytes  = 16 << 20
	DefaultGOPFrames = 4096
)

// Limits bounds what all connections together may take. 0 means the default.
type Limits struct {
	MaxMediaConnections, MaxMediaPerAddress int
	MaxStreamPlayers, MaxStreams            int
	MaxPending, MaxPendingPerAddress        int
	GOPBytes, GOPFrames                     int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		MaxMediaConnections:  cmp.Or(l.MaxMediaConnections, DefaultMaxConnections),
		MaxMediaPerAddress:   cmp.Or(l.MaxMediaPerAddress, DefaultMaxPerAddress),
		MaxStreamPlayers:     cmp.Or(l.MaxStreamPlayers, DefaultMaxPerStream),
		MaxStreams:           cmp.Or(l.MaxStreams, DefaultMaxStreams),
		MaxPending:           cmp.Or(l.MaxPending, DefaultMaxPending),
		MaxPendingPerAddress: cmp.Or(l.MaxPendingPerAddress, DefaultMaxPendingPerAddress),
		GOPBytes:             cmp.Or(l.GOPBytes, DefaultGOPBytes),
		GOPFrames:            cmp.Or(l.GOPFrames, DefaultGOPFrames),
	}
}
