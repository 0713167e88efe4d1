package record

import (
	"time"

	"roomlog/media"
	"roomlog/media/coded"
	"roomlog/media/flv"
)

// placed is a frame, its time in the part in milliseconds, and when it came.
type placed struct {
	*media.Frame
	at   int64
	wall time.Time
}

func (p placed) video() bool { return p.Info().Kind == flv.Video }

// container is how a part is written. What it makes can be appended to its file, one after another.
type container interface {
	suffix() string
	// takes says whether such a frame can go on here.
	takes(info flv.Info, body []byte) bool
	// head is what the file begins with.
	head() ([]byte, error)
	// fragment makes one of frames; the last of them lasts until a time in milliseconds. fault is told of
	// those that are left out.
	fragment(frames []placed, until int64, fault func(error)) (piece, error)
	// rate is the clock of the first track, if a table of fragments can take the place that the head has kept
	// free for it, and otherwise 0.
	rate() int64
}

// piece is a fragment.
type piece struct {
	bytes []byte // none if it holds nothing
	at    int64  // ms of the first picture shown in it, or of the first sound
	key   bool   // a player can begin here
}

// contents is what is known of a stream.
type contents struct {
	tracks  coded.Set
	headers [3]*media.Frame // the newest metadata, and headers of picture and sound
}

// learn takes a header, and says whether a new part has to begin.
func (c *contents) learn(f *media.Frame) (changed bool, err error) {
	info := f.Info()
	if info.Track != 0 {
		return false, nil
	}
	switch info.Kind {
	case flv.Script:
		c.headers[0] = f
		return false, nil
	case flv.Video:
		c.headers[1] = f
	case flv.Audio:
		c.headers[2] = f
	}
	return c.tracks.Update(info, f.Payload())
}

// hear learns from sound that has no header.
func (c *contents) hear(info flv.Info, body []byte) {
	if info.Codec != flv.MP3 {
		return
	}
	if t := c.tracks.Audio; t != nil && t.Name == flv.MP3 && t.Samples(body) > 0 {
		return
	}
	if t, err := coded.NewMP3(body); err == nil {
		c.tracks.Audio = t
	}
}

// container chooses how frames are written: as MP4, if that holds everything in them, or as FLV, which holds
// anything.
func (c *contents) container(frames []placed) container {
	var video, audio bool
	fits := true
	for _, f := range frames {
		info := f.Info()
		switch info.Kind {
		case flv.Video:
			video, fits = true, fits && c.tracks.Video != nil && c.tracks.Video.Name == info.Codec && !info.Mixed
		case flv.Audio:
			audio, fits = true, fits && c.tracks.Audio != nil && c.tracks.Audio.Name == info.Codec && !info.Mixed
		}
	}
	if fits {
		return newMP4(c.tracks)
	}
	return &flvFile{headers: c.headers, video: video, audio: audio}
}

// body is what the codec has written of a frame.
func body(f *media.Frame) []byte { return f.Payload()[f.Info().Body:] }
