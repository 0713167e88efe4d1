package hls

import (
	"fmt"
	"slices"
	"time"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"
	mp4 "github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"roomlog/media/flv"
	"roomlog/media/mp4track"
)

const (
	maxFaults = 250                                     // maximum number of consecutive frames that cannot be segmented
	maxJump   = 3 * int64(time.Second/time.Millisecond) // in ms; if the time between two frames is longer, another run starts
)

// segmenter is one run of gohlslib, for one set of sequence headers.
type segmenter struct {
	mux    *gohlslib.Muxer
	tracks mp4track.Set
	video  *gohlslib.Track // track as gohlslib describes it
	audio  *gohlslib.Track
	first  time.Time            // arrival of the first frame
	zero   uint32               // timestamp of the first frame
	newest int64                // time of the newest frame, in ms since the first frame
	clock  mp4track.SampleClock // clock of the audio
	order  decodingTimes
	units  [][]byte
	faults int
	broken bool // whether gohlslib has panicked and may hold its lock for ever
}

func newSegmenter(cfg Config, t mp4track.Set, first Frame) (s *segmenter, err error) {
	defer guard(&err)
	s = &segmenter{tracks: t, first: cfg.Now(), zero: first.Time()}
	if t.Video != nil {
		s.video = libraryTrack(t.Video)
	}
	if t.Audio != nil {
		s.audio, s.clock = libraryTrack(t.Audio), mp4track.NewSampleClock(t.Audio.TimeScale)
	}
	s.mux = &gohlslib.Muxer{
		Tracks:             slices.DeleteFunc([]*gohlslib.Track{s.video, s.audio}, func(t *gohlslib.Track) bool { return t == nil }),
		Variant:            gohlslib.MuxerVariantLowLatency,
		SegmentCount:       cfg.Segments,
		SegmentMinDuration: cfg.MinSegment,
		PartMinDuration:    cfg.MinPart,
		SegmentMaxSize:     uint64(cfg.MaxSegment),
		OnEncodeError:      cfg.OnError,
	}
	if err := s.mux.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSegmenting, err)
	}
	return s, nil
}

// close stops gohlslib. Its files can still be read.
func (s *segmenter) close() {
	if !s.broken {
		s.mux.Close()
	}
}

// playlistNames returns the names that gohlslib gives to the playlists.
func (s *segmenter) playlistNames() []string {
	var names []string
	for i, track := range s.mux.Tracks {
		kind := "audio"
		if track.Codec.IsVideo() {
			kind = "video"
		}
		names = append(names, fmt.Sprintf("%s%d%s", kind, i+1, listSuffix))
	}
	return names
}

// jumps reports whether the timestamp of a frame differs by more than maxJump from the timestamp of the frame before.
func (s *segmenter) jumps(f Frame) bool {
	at := int64(int32(f.Time() - s.zero))
	return at-s.newest > maxJump || s.newest-at > maxJump
}

// write segments one coded frame. It calls onError for a frame that fails, and returns an error after more than
// maxFaults failures in a row.
func (s *segmenter) write(f Frame, onError func(error)) error {
	at := int64(int32(f.Time() - s.zero))
	s.newest = at
	err := s.tryWrite(f, at)
	if err == nil {
		s.faults = 0
		return nil
	}
	onError(err)
	if s.faults++; s.faults > maxFaults || s.broken {
		return fmt.Errorf("%w: %w", ErrSegmenting, err)
	}
	return nil
}

func (s *segmenter) tryWrite(f Frame, at int64) (err error) {
	s.broken = true
	defer guard(&err)
	err = s.route(f, at)
	s.broken = false
	return err
}

func (s *segmenter) route(f Frame, at int64) error {
	info, payload := f.Info(), f.Payload()
	body := payload[info.Body:]
	wall := s.first.Add(time.Duration(at) * time.Millisecond)
	switch {
	case info.Track != 0 || info.Mixed || len(body) == 0:
		return nil
	case info.Kind == flv.Video && s.video != nil && info.Codec == s.tracks.Video.Codec:
		return s.writeVideo(info, body, wall, (at+int64(info.Offset))*mp4track.VideoTimeScale/1000)
	case info.Kind == flv.Audio && s.audio != nil && info.Codec == s.tracks.Audio.Codec:
		return s.writeAudio(body, wall, at)
	}
	return nil
}

func (s *segmenter) writeVideo(info flv.Info, body []byte, wall time.Time, pts int64) error {
	track, sets := s.video, s.tracks.Video.Sets
	if info.Codec == flv.AV1 {
		units, err := flv.SplitOBUs(body)
		if err != nil || len(units) == 0 {
			return err
		}
		return s.mux.WriteAV1(track, wall, pts, units)
	}
	s.units = s.units[:0]
	if info.Key && info.Codec == flv.HEVC {
		s.units = append(s.units, sets.VPS)
	}
	if info.Key {
		s.units = append(s.units, sets.SPS, sets.PPS)
	}
	units, err := flv.AppendNALUs(s.units, body, sets.LengthSize)
	s.units = units
	if err != nil || len(units) == 0 {
		return err
	}
	pts = s.order.earliest(info, units, pts)
	if info.Codec == flv.HEVC {
		for i, unit := range units {
			units[i] = flv.WithoutSubLayers(unit)
		}
		return s.mux.WriteH265(track, wall, pts, units)
	}
	return s.mux.WriteH264(track, wall, pts, units)
}

func (s *segmenter) writeAudio(body []byte, wall time.Time, at int64) error {
	pts := s.clock.Time(at, s.tracks.Audio.Samples(body))
	if s.tracks.Audio.Codec == flv.Opus {
		return s.mux.WriteOpus(s.audio, wall, pts, [][]byte{body})
	}
	return s.mux.WriteMPEG4Audio(s.audio, wall, pts, [][]byte{body})
}

// libraryTrack returns a track in the types of gohlslib.
func libraryTrack(t *mp4track.Track) *gohlslib.Track {
	track := &gohlslib.Track{ClockRate: t.TimeScale}
	switch c := t.MP4Codec.(type) {
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

// guard turns a panic of gohlslib into an error. It is deferred.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("hls: panic in a library: %v", p)
	}
}
