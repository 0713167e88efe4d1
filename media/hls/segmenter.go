package hls

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"roomlog/media/flv"
	"roomlog/media/mp4track"
)

const (
	maxFaults = 250                                     // maximum number of consecutive frames of a track that cannot be segmented
	maxJump   = 3 * int64(time.Second/time.Millisecond) // in ms; if the time between two frames is longer, another run starts
	startAt   = 10 * time.Second                        // decoding time of the first frame, so that the times before it are not negative
	maxPart   = 5 * time.Second                         // maximum length of a part
	maxLength = time.Minute                             // maximum length of a segment, and of the time before the first picture at which a player can begin
)

var (
	errTime  = errors.New("hls: the frame is too far before the first one")
	errNoKey = fmt.Errorf("%w: no key frame for %d s", ErrSegmenting, int(maxLength.Seconds()))
)

// segmenter segments a stream until its sequence headers change or its timestamps jump. Parts and segments end at the same time in all
// tracks; the first track decides when.
type segmenter struct {
	cfg        Config
	tracks     mp4track.Set
	renditions []*rendition
	video      *rendition
	audio      *rendition
	files      *fileStore
	prefix     string // prefix of the names of the files; no name is used by two runs

	first  time.Time            // arrival of the first frame
	zero   uint32               // timestamp of the first frame
	newest int64                // time of the newest frame, in ms since the first frame
	clock  mp4track.SampleClock // clock of the audio
	order  decodingTimes
	units  [][]byte

	begun        bool // whether the first segment has begun
	segment      int  // number of the incomplete segment
	part         int  // number of the incomplete part
	segmentStart time.Duration
	partStart    time.Duration
	wall         time.Time     // wall-clock time of the first frame of the incomplete segment
	partLength   time.Duration // minimum length of a part
	frameLengths map[time.Duration]bool
}

func newSegmenter(cfg Config, t mp4track.Set, first Frame) (s *segmenter, err error) {
	defer guard(&err)
	var prefix [6]byte
	_, _ = rand.Read(prefix[:]) // never fails
	s = &segmenter{cfg: cfg, tracks: t, files: newFileStore(), prefix: hex.EncodeToString(prefix[:]), first: cfg.Now(), zero: first.Time(), segment: firstSegment,
		partLength: cfg.MinPart, frameLengths: map[time.Duration]bool{}}
	if t.Video != nil {
		s.video = s.addRendition("video", t.Video)
	}
	if t.Audio != nil {
		s.audio, s.clock = s.addRendition("audio", t.Audio), mp4track.NewSampleClock(t.Audio.TimeScale)
	}
	for _, r := range s.renditions {
		if err := r.writeInit(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSegmenting, err)
		}
	}
	return s, nil
}

// addRendition adds a track. The first one decides where parts and segments end.
func (s *segmenter) addRendition(kind string, t *mp4track.Track) *rendition {
	r := newRendition(s.cfg, s.files, s.prefix, kind, len(s.renditions)+1, t)
	s.renditions = append(s.renditions, r)
	return r
}

// of returns the track of a frame, or nil if the run has none for it.
func (s *segmenter) of(info flv.Info) *rendition {
	switch {
	case info.Track != 0 || info.Mixed:
		return nil
	case info.Kind == flv.Video && s.video != nil && info.Codec == s.tracks.Video.Codec:
		return s.video
	case info.Kind == flv.Audio && s.audio != nil && info.Codec == s.tracks.Audio.Codec:
		return s.audio
	}
	return nil
}

// jumps reports whether the timestamp of a frame differs by more than maxJump from that of the frame before. For the track
// that leads, this is the frame before of the same track, so that no picture is shown during a whole pause. Another track
// may pause: its frame jumps only if it is also that far from the newest frame of the run.
func (s *segmenter) jumps(f Frame) bool {
	r, at := s.of(f.Info()), int64(int32(f.Time()-s.zero))
	if r == nil {
		return false
	}
	far := func(before int64) bool { return at-before > maxJump || before-at > maxJump }
	if !r.received {
		return far(s.newest)
	}
	return far(r.newest) && (r.leads || far(s.newest))
}

// write segments one coded frame, and reports whether a part has ended. It calls onError for a frame that fails, and returns an
// error after more than maxFaults failures in a row in one track, or without a key frame for maxLength.
func (s *segmenter) write(f Frame, onError func(error)) (ended bool, err error) {
	r, at := s.of(f.Info()), int64(int32(f.Time()-s.zero))
	if r == nil {
		return false, nil
	}
	s.newest, r.newest, r.received = at, at, true
	ended, err = s.tryWrite(r, f, at)
	if err == nil {
		r.faults = 0
		return ended, nil
	}
	onError(err)
	if errors.Is(err, ErrSegmenting) {
		return ended, err
	}
	if r.faults++; r.faults > maxFaults {
		return ended, fmt.Errorf("%w: %w", ErrSegmenting, err)
	}
	return ended, nil
}

func (s *segmenter) tryWrite(r *rendition, f Frame, at int64) (ended bool, err error) {
	defer guard(&err)
	part := s.part
	err = s.addFrame(r, f, at)
	return s.part != part, err
}

// addFrame adds a frame of a track. at is its time in milliseconds since the first frame of the run.
func (s *segmenter) addFrame(r *rendition, f Frame, at int64) error {
	info, payload := f.Info(), f.Payload()
	body := payload[info.Body:]
	if len(body) == 0 {
		return nil
	}
	next := &sample{wall: s.first.Add(time.Duration(at) * time.Millisecond)}
	if r == s.audio {
		next.at, next.Payload = s.clock.Time(at, s.tracks.Audio.Samples(body)), body
		return s.add(r, next)
	}
	const perMillisecond = mp4track.VideoTimeScale / 1000
	err := s.fillVideo(next, info, body, at*perMillisecond, (at+int64(info.Offset))*perMillisecond)
	switch {
	case err != nil:
		return err
	case next.Payload != nil:
		return s.add(r, next)
	case !r.started && at > int64(maxLength/time.Millisecond):
		return errNoKey
	}
	return nil
}

// fillVideo fills the sample of a picture. Without a picture in body, and before the first picture at which a player can begin,
// the sample stays empty.
func (s *segmenter) fillVideo(to *sample, info flv.Info, body []byte, sent, shown int64) error {
	if info.Codec == flv.AV1 {
		units, err := flv.SplitOBUs(body)
		if err != nil || len(units) == 0 {
			return err
		}
		starts := av1.IsRandomAccess2(units)
		if !starts && !s.video.started {
			return nil
		}
		s.video.started = true
		to.at, to.IsNonSyncSample = shown, !starts
		to.Payload, err = av1.Bitstream(units).Marshal()
		return err
	}
	sets := s.tracks.Video.Sets
	s.units = s.units[:0]
	if info.Key && info.Codec == flv.HEVC {
		s.units = append(s.units, sets.VPS)
	}
	if info.Key {
		s.units = append(s.units, sets.SPS, sets.PPS)
	}
	units, err := flv.AppendNALUs(s.units, body, sets.LengthSize)
	s.units = units
	if err != nil || !hasSlice(info.Codec, units) {
		return err
	}
	layers, starts := false, h264.IsRandomAccess(units)
	if info.Codec == flv.HEVC {
		layers, starts = flv.HasSubLayers(sets.SPS), h265.IsRandomAccess(units)
		for i, unit := range units {
			units[i] = flv.WithoutSubLayers(unit)
		}
	}
	if !starts && !s.video.started {
		return nil
	}
	s.video.started = true
	var pts int64
	to.at, pts = s.order.next(info.Codec, units, layers, sent, shown)
	to.PTSOffset, to.IsNonSyncSample = int32(pts-to.at), !starts
	to.Payload, err = h264.AVCC(units).Marshal()
	return err
}

// hasSlice reports whether a message contains a part of a picture.
func hasSlice(codec flv.Codec, units [][]byte) bool {
	for _, unit := range units {
		if kind := unit[0] & 0x1f; codec == flv.H264 && kind >= 1 && kind <= 5 {
			return true
		}
		if codec == flv.HEVC && unit[0]>>1&0x3f < 32 {
			return true
		}
	}
	return false
}

// add adds the next frame of a track. The frame before it then gets its length and becomes a part of the incomplete part, and
// parts and segments may end.
func (s *segmenter) add(r *rendition, next *sample) error {
	next.at += r.ticks(startAt)
	if next.at < 0 {
		return errTime
	}
	frame := r.waits
	if frame != nil {
		next.at = max(next.at, frame.at)
		frame.Duration = uint32(next.at - frame.at)
		r.frame = frame.Duration
	}
	r.waits = next
	switch {
	case frame == nil || !s.begun && !r.leads:
		return nil
	case !s.begun:
		s.begin(r.duration(frame.at), frame.wall)
	}
	if !r.leads {
		return r.append(frame, r.duration(frame.at)-s.segmentStart > maxLength)
	}
	if r.duration(next.at)-s.segmentStart > maxLength {
		return errNoKey
	}
	err := r.append(frame, false)
	if s.segment == firstSegment { // later frames with other lengths must not change the length of parts
		s.setPartLength(r.duration(int64(frame.Duration)))
	}
	at := r.duration(next.at)
	if ends := !next.IsNonSyncSample && at-s.segmentStart >= s.cfg.MinSegment; ends || at-s.partStart >= s.partLength {
		return errors.Join(err, s.endPart(at, next.wall, ends))
	}
	return err
}

// finish ends the incomplete segment of each track, and reports whether there was one. The newest frame of a track becomes as long
// as the one before.
func (s *segmenter) finish() (ended bool, err error) {
	defer guard(&err)
	first := s.renditions[0]
	if !s.begun || first.waits == nil {
		return false, nil
	}
	for _, r := range s.renditions {
		if frame := r.waits; frame != nil {
			frame.Duration = r.frame
			err = errors.Join(err, r.append(frame, !r.leads && r.duration(frame.at)-s.segmentStart > maxLength))
		}
	}
	end, wall := first.waits.at+int64(first.frame), first.waits.wall
	for _, r := range s.renditions {
		r.waits = nil
	}
	return true, errors.Join(err, s.endPart(first.duration(end), wall, true))
}

// long reports whether the run has more than one segment, or one of the minimum length.
func (s *segmenter) long() bool {
	sizes := s.renditions[0].sizes
	return len(sizes) > 1 || len(sizes) == 1 && sizes[0].length >= s.cfg.MinSegment
}

func (s *segmenter) begin(at time.Duration, wall time.Time) {
	s.begun, s.segmentStart, s.partStart, s.wall = true, at, at, wall
}

// endPart ends the incomplete part of each track, and, if whole, the segment, too.
func (s *segmenter) endPart(at time.Duration, wall time.Time, whole bool) error {
	for _, r := range s.renditions {
		if err := r.endPart(s.part, at-s.partStart); err != nil {
			return err
		}
	}
	s.part, s.partStart = s.part+1, at
	if whole {
		for _, r := range s.renditions {
			r.endSegment(s.segment, at-s.segmentStart, s.wall)
		}
		s.segment, s.segmentStart, s.wall = s.segment+1, at, wall
	}
	return nil
}

// setPartLength chooses the length of parts. A part contains whole frames. iOS refuses parts that are shorter than 85 % of the
// longest one, so every length of a frame that has occurred must fill a part.
func (s *segmenter) setPartLength(frame time.Duration) {
	if frame <= 0 || s.frameLengths[frame] {
		return
	}
	s.frameLengths[frame] = true
	for s.partLength = s.cfg.MinPart; s.partLength < maxPart; s.partLength += 5 * time.Millisecond {
		fits := true
		for length := range s.frameLengths {
			frames := (s.partLength + length - 1) / length
			fits = fits && length <= s.partLength && s.partLength > time.Duration(int64(length)*int64(frames)*85/100)
		}
		if fits {
			return
		}
	}
}

// guard turns a panic of a library into an error. It is deferred.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("hls: panic in a library: %v", p)
	}
}
