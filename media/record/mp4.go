package record

import (
	"errors"
	"fmt"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"

	"roomlog/media/coded"
	"roomlog/media/flv"
)

const (
	suffixMP4 = ".mp4"
	videoID   = 1 // of tracks: the first there is
)

// mp4File writes fragments of MP4.
type mp4File struct {
	tracks  coded.Set
	clock   coded.SampleClock
	number  uint32 // of the newest fragment
	picture int64  // time of the newest picture, in its clock, and of the newest sound
	sound   int64
}

func newMP4(t coded.Set) *mp4File {
	f := &mp4File{tracks: t, picture: -1, sound: -1}
	if t.Audio != nil {
		f.clock = coded.NewSampleClock(t.Audio.Rate)
	}
	return f
}

func (*mp4File) suffix() string { return suffixMP4 }

func (f *mp4File) takes(info flv.Info, body []byte) bool {
	switch {
	case info.Mixed:
		return false
	case info.Kind == flv.Video:
		return f.tracks.Video != nil && f.tracks.Video.Name == info.Codec
	case info.Codec == flv.MP3: // each of whose frames says what it is
		t := f.tracks.Audio
		return t != nil && t.Name == flv.MP3 && (t.Samples(body) > 0 || !isMP3(body))
	}
	return f.tracks.Audio != nil && f.tracks.Audio.Name == info.Codec
}

func isMP3(body []byte) bool {
	_, err := coded.NewMP3(body)
	return err == nil
}

func (f *mp4File) head() (b []byte, err error) {
	defer guard(&err)
	var init fmp4.Init
	for _, t := range []*coded.Track{f.tracks.Video, f.tracks.Audio} {
		if t != nil {
			init.Tracks = append(init.Tracks, &fmp4.InitTrack{ID: len(init.Tracks) + videoID, TimeScale: uint32(t.Rate), Codec: t.Codec})
		}
	}
	var out seekablebuffer.Buffer
	if err := init.Marshal(&out); err != nil {
		return nil, err
	}
	return append(out.Bytes(), free(tableBytes)...), nil
}

// sample is one frame as a file holds it.
type sample struct {
	fmp4.Sample
	at int64 // in the clock of its track
}

func (f *mp4File) fragment(frames []placed, until int64, fault func(error)) (p piece, err error) {
	defer guard(&err)
	var pictures, sounds []sample
	for _, frame := range frames {
		if frame.Info().Kind == flv.Video {
			pictures, err = f.addPicture(pictures, frame)
		} else {
			sounds, err = f.addSound(sounds, frame)
		}
		if err != nil {
			fault(err)
		}
	}
	part := fmp4.Part{SequenceNumber: f.number + 1}
	id := videoID
	if f.tracks.Video != nil {
		if n := len(pictures); n > 0 {
			last := &pictures[n-1]
			last.Duration = length(until*coded.VideoRate/1000 - last.at)
			part.Tracks = append(part.Tracks, trackOf(id, pictures))
		}
		id++
	}
	if len(sounds) > 0 {
		part.Tracks = append(part.Tracks, trackOf(id, sounds))
	}
	switch {
	case len(part.Tracks) == 0:
		return piece{}, nil
	case len(pictures) > 0:
		p.at = (pictures[0].at + int64(pictures[0].PTSOffset)) * 1000 / coded.VideoRate
		p.key = !pictures[0].IsNonSyncSample
	default:
		p.at = sounds[0].at * 1000 / int64(f.tracks.Audio.Rate)
		p.key = f.tracks.Video == nil || f.number == 0
	}
	var out seekablebuffer.Buffer
	if err := part.Marshal(&out); err != nil {
		return piece{}, err
	}
	f.number++
	p.bytes = out.Bytes()
	return p, nil
}

func (f *mp4File) addPicture(to []sample, frame placed) ([]sample, error) {
	info := frame.Info()
	payload, err := f.units(frame)
	if err != nil || len(payload) == 0 {
		return to, err
	}
	at := max(frame.at*coded.VideoRate/1000, f.picture+1)
	shown := (frame.at + int64(info.Offset)) * coded.VideoRate / 1000
	f.picture = at
	if n := len(to); n > 0 {
		to[n-1].Duration = length(at - to[n-1].at)
	}
	offset := int32(max(math.MinInt32, min(math.MaxInt32, shown-at)))
	return append(to, sample{fmp4.Sample{PTSOffset: offset, IsNonSyncSample: !info.Key, Payload: payload}, at}), nil
}

// units is a picture as MP4 wants it, which mostly is as it came.
func (f *mp4File) units(frame placed) ([]byte, error) {
	b := body(frame.Frame)
	if frame.Info().Codec == flv.AV1 {
		units, err := flv.OBUs(b)
		if err != nil || len(units) == 0 {
			return nil, err
		}
		return av1.Bitstream(units).Marshal()
	}
	sets := f.tracks.Video.Sets
	units, err := flv.AppendUnits(nil, b, sets.LengthSize)
	if err != nil || len(units) == 0 {
		return nil, err
	}
	if sets.LengthSize == 4 {
		return b, nil
	}
	return h264.AVCC(units).Marshal()
}

var errSound = errors.New("record: broken sound")

func (f *mp4File) addSound(to []sample, frame placed) ([]sample, error) {
	b := body(frame.Frame)
	n := f.tracks.Audio.Samples(b)
	if n <= 0 || len(b) == 0 {
		return to, errSound
	}
	at := max(f.clock.Time(frame.at, n), f.sound+1)
	f.sound = at
	if last := len(to) - 1; last >= 0 {
		to[last].Duration = length(at - to[last].at)
	}
	return append(to, sample{fmp4.Sample{Duration: length(n), Payload: b}, at}), nil
}

func length(n int64) uint32 { return uint32(max(1, min(math.MaxUint32, n))) }

func trackOf(id int, samples []sample) *fmp4.PartTrack {
	t := &fmp4.PartTrack{ID: id, BaseTime: uint64(max(0, samples[0].at))}
	for i := range samples {
		t.Samples = append(t.Samples, &samples[i].Sample)
	}
	return t
}

func (f *mp4File) rate() int64 {
	if f.tracks.Video != nil {
		return coded.VideoRate
	}
	return int64(f.tracks.Audio.Rate)
}

// guard makes an error of a panic in a library.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("record: a library failed: %v", p)
	}
}
