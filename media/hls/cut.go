package hls

import (
	"fmt"
	"slices"
	"time"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"
	mp4 "github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"roomlog/media/coded"
	"roomlog/media/flv"
)

const (
	maxFaults = 250                                     // frames in a row that cannot be cut
	maxJump   = 3 * int64(time.Second/time.Millisecond) // ms between frames, before the cut begins anew
)

// cut is one run of the library: from one set of sequence headers to the next.
type cut struct {
	mux    *gohlslib.Muxer
	tracks coded.Set
	video  *gohlslib.Track // as the library wants them
	audio  *gohlslib.Track
	first  time.Time // wall time of the first frame
	zero   uint32    // and its own
	newest int64     // ms of the newest frame
	sound  coded.SampleClock
	units  [][]byte
	faults int
	broken bool // the library failed, and may hold its lock for ever
}

func newCut(cfg Config, t coded.Set, first Frame) (c *cut, err error) {
	defer guard(&err)
	c = &cut{tracks: t, first: cfg.Now(), zero: first.Time()}
	if t.Video != nil {
		c.video = libraryTrack(t.Video)
	}
	if t.Audio != nil {
		c.audio, c.sound = libraryTrack(t.Audio), coded.NewSampleClock(t.Audio.Rate)
	}
	c.mux = &gohlslib.Muxer{
		Tracks:             slices.DeleteFunc([]*gohlslib.Track{c.video, c.audio}, func(t *gohlslib.Track) bool { return t == nil }),
		Variant:            gohlslib.MuxerVariantLowLatency,
		SegmentCount:       cfg.Segments,
		SegmentMinDuration: cfg.MinSegment,
		PartMinDuration:    cfg.MinPart,
		SegmentMaxSize:     uint64(cfg.MaxSegment),
		OnEncodeError:      cfg.OnError,
	}
	if cfg.NoLowLatency {
		c.mux.Variant = gohlslib.MuxerVariantFMP4
	}
	if err := c.mux.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSegmenting, err)
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
		return fmt.Errorf("%w: %w", ErrSegmenting, err)
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
	case info.Kind == flv.Video && c.video != nil && info.Codec == c.tracks.Video.Name:
		return c.picture(info, body, wall, (at+int64(info.Offset))*coded.VideoRate/1000)
	case info.Kind == flv.Audio && c.audio != nil && info.Codec == c.tracks.Audio.Name:
		return c.sounds(body, wall, at)
	}
	return nil
}

func (c *cut) picture(info flv.Info, body []byte, wall time.Time, pts int64) error {
	track, sets := c.video, c.tracks.Video.Sets
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
	pts := c.sound.Time(at, c.tracks.Audio.Samples(body))
	if c.tracks.Audio.Name == flv.Opus {
		return c.mux.WriteOpus(c.audio, wall, pts, [][]byte{body})
	}
	return c.mux.WriteMPEG4Audio(c.audio, wall, pts, [][]byte{body})
}

// libraryTrack says in the library's words what a track is.
func libraryTrack(t *coded.Track) *gohlslib.Track {
	track := &gohlslib.Track{ClockRate: t.Rate}
	switch c := t.Codec.(type) {
	case *mp4.H264:
		track.Codec = &codecs.H264{SPS: c.SPS, PPS: c.PPS}
	case *mp4.H265:
		track.Codec = &codecs.H265{VPS: c.VPS, SPS: c.SPS, PPS: c.PPS}
	case *mp4.AV1:
		track.Codec = &codecs.AV1{SequenceHeader: c.SequenceHeader}
	case *mp4.MPEG4Audio:
		track.Codec = &codecs.MPEG4Audio{Config: c.Config}
	case *mp4.Opus:
		track.Codec = &codecs.Opus{ChannelCount: c.ChannelCount}
	}
	return track
}

// guard makes an error of a panic in a library.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("hls: a library failed: %v", p)
	}
}
