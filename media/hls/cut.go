package hls

import (
	"fmt"
	"time"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"roomlog/media/flv"
)

const (
	maxFaults = 250                                     // frames in a row that cannot be cut
	maxJump   = 3 * int64(time.Second/time.Millisecond) // ms between frames, before the cut begins anew
)

// cut is one run of the library: from one set of sequence headers to the next.
type cut struct {
	mux    *gohlslib.Muxer
	tracks tracks
	first  time.Time // wall time of the first frame
	zero   uint32    // and its own
	newest int64     // ms of the newest frame
	sound  soundClock
	units  [][]byte
	faults int
	broken bool // the library failed, and may hold its lock for ever
}

func newCut(cfg Config, t tracks, first Frame) (c *cut, err error) {
	defer guard(&err)
	c = &cut{tracks: t, first: cfg.Now(), zero: first.Time()}
	if t.audio != nil {
		c.sound.rate = int64(t.audio.ClockRate)
	}
	c.mux = &gohlslib.Muxer{
		Tracks:             t.list(),
		Variant:            gohlslib.MuxerVariantLowLatency,
		SegmentCount:       cfg.Segments,
		SegmentMinDuration: cfg.Segment,
		PartMinDuration:    cfg.Part,
		SegmentMaxSize:     uint64(cfg.MaxSegment),
		OnEncodeError:      cfg.Fault,
	}
	if cfg.Plain {
		c.mux.Variant = gohlslib.MuxerVariantFMP4
	}
	if err := c.mux.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUncut, err)
	}
	return c, nil
}

// close ends what the library does; its files can still be had.
func (c *cut) close() {
	if !c.broken {
		c.mux.Close()
	}
}

// names are those of the playlists, which the library makes up so.
func (c *cut) names() []string {
	var names []string
	for i, track := range c.mux.Tracks {
		kind := "audio"
		if track.Codec.IsVideo() {
			kind = "video"
		}
		names = append(names, fmt.Sprintf("%s%d%s", kind, i+1, listSuffix))
	}
	return names
}

// jumps says that the time of a frame is not near that of the one before it.
func (c *cut) jumps(f Frame) bool {
	at := int64(int32(f.Time() - c.zero))
	return at-c.newest > maxJump || c.newest-at > maxJump
}

// write cuts one coded frame. A frame that cannot be cut is a fault that is told; too many in a row are an
// error.
func (c *cut) write(f Frame, tell func(error)) error {
	at := int64(int32(f.Time() - c.zero))
	c.newest = at
	err := c.try(f, at)
	if err == nil {
		c.faults = 0
		return nil
	}
	tell(err)
	if c.faults++; c.faults > maxFaults || c.broken {
		return fmt.Errorf("%w: %w", ErrUncut, err)
	}
	return nil
}

func (c *cut) try(f Frame, at int64) (err error) {
	c.broken = true
	defer guard(&err)
	err = c.sort(f, at)
	c.broken = false
	return err
}

func (c *cut) sort(f Frame, at int64) error {
	info, payload := f.Info(), f.Payload()
	body := payload[info.Body:]
	wall := c.first.Add(time.Duration(at) * time.Millisecond)
	switch {
	case info.Track != 0 || info.Mixed || len(body) == 0:
		return nil
	case info.Kind == flv.Video && c.tracks.video != nil && info.Codec == c.tracks.videoCodec:
		return c.picture(info, body, wall, (at+int64(info.Offset))*videoClock/1000)
	case info.Kind == flv.Audio && c.tracks.audio != nil && info.Codec == c.tracks.audioCodec:
		return c.sounds(body, wall, at)
	}
	return nil
}

func (c *cut) picture(info flv.Info, body []byte, wall time.Time, pts int64) error {
	track, sets := c.tracks.video, c.tracks.sets
	if info.Codec == flv.AV1 {
		units, err := flv.OBUs(body)
		if err != nil || len(units) == 0 {
			return err
		}
		return c.mux.WriteAV1(track, wall, pts, units)
	}
	c.units = c.units[:0]
	if info.Key && info.Codec == flv.HEVC {
		c.units = append(c.units, sets.VPS)
	}
	if info.Key {
		c.units = append(c.units, sets.SPS, sets.PPS)
	}
	units, err := flv.AppendUnits(c.units, body, sets.LengthSize)
	c.units = units
	if err != nil || len(units) == 0 {
		return err
	}
	if info.Codec == flv.HEVC {
		return c.mux.WriteH265(track, wall, pts, units)
	}
	return c.mux.WriteH264(track, wall, pts, units)
}

func (c *cut) sounds(body []byte, wall time.Time, at int64) error {
	if c.tracks.audioCodec == flv.Opus {
		return c.mux.WriteOpus(c.tracks.audio, wall, c.sound.at(at, opus.PacketDuration2(body)), [][]byte{body})
	}
	return c.mux.WriteMPEG4Audio(c.tracks.audio, wall, c.sound.at(at, mpeg4audio.SamplesPerAccessUnit), [][]byte{body})
}
