package media

import (
	"errors"
	"fmt"
	"time"

	"roomlog/media/flv"
)

// Why a client has to go, or cannot come.
var (
	ErrEnded             = errors.New("media: the connection was ended")
	ErrAlreadyPublishing = errors.New("media: the stream is being published already")
	ErrLimitReached      = fmt.Errorf("%w: too many connections", ErrUnavailable)
	ErrServerClosed      = fmt.Errorf("%w: shutting down", ErrUnavailable)
)

// feed is one publisher of a stream. One goroutine uses it.
type feed struct {
	stream *stream
	client Client
	began  time.Time
	hangUp func() // ends its connection

	placed bool   // offset is known
	offset uint32 // from its times to those of the show
	keyed  bool   // a key frame has come
}

// write passes on what the publisher sent. ErrEnded means that nobody wants it any more.
func (f *feed) write(kind byte, at uint32, payload []byte) error {
	info := flv.Describe(kind, payload)
	var size flv.Size
	var sound flv.Sound
	switch kind {
	case flv.Script:
		clean, _, err := flv.Metadata(payload)
		if err == nil {
			return f.stream.write(f, newFrame(info, 0, clean), size, sound)
		}
		return nil // of no use to a player, and no reason to end
	case flv.Video:
		f.keyed = f.keyed || info.Key
		if info.Coded && !f.keyed {
			return nil // nothing shows it, and it would make players of an older picture stumble
		}
		if info.Header && len(payload) <= maxHeader {
			size, _ = flv.SizeOf(payload) // a broken header is a matter for the players' decoders
		}
	case flv.Audio:
		if (info.Header || info.Codec == flv.MP3) && len(payload) <= maxHeader {
			sound, _ = flv.SoundOf(payload)
		}
	}
	return f.stream.write(f, newFrame(info, f.place(at, info.Coded), payload), size, sound)
}

// place is the time of a frame in the show. The first publisher of a show decides about it. Whoever comes
// after a loss goes on where that one was, later by as long as it took: its first coded frame says what
// its own times are, for headers often have none.
func (f *feed) place(at uint32, coded bool) uint32 {
	if f.placed {
		return at + f.offset
	}
	s := f.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := s.show.ID != ""
	if begun && !coded {
		return s.newest
	}
	if begun {
		gap := s.hub.cfg.Now().Sub(s.heard).Milliseconds()
		f.offset = s.newest + uint32(max(1, gap)) - at
	}
	f.placed = true
	return at + f.offset
}
