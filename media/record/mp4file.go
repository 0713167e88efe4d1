package record

import (
	"errors"
	"fmt"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"

	"roomlog/media/flv"
	"roomlog/media/mp4track"
)

const (
	suffixMP4  = ".mp4"
	firstTrack = 1 // id of the first track
)

// mp4File is a part in fragmented MP4.
type mp4File struct {
	tracks  mp4track.Set
	clock   mp4track.SampleClock
	number  uint32 // number of the newest fragment
	videoAt int64  // time of the newest picture, in the time scale of its track
	audioAt int64  // time of the newest audio frame
}

func newMP4(t mp4track.Set) *mp4File {
	f := &mp4File{tracks: t, videoAt: -1, audioAt: -1}
	if t.Audio != nil {
		f.clock = mp4track.NewSampleClock(t.Audio.TimeScale)
	}
	return f
}

func (*mp4File) suffix() string { return suffixMP4 }

// accepts reports whether a frame belongs to the tracks of the file.
func (f *mp4File) accepts(info flv.Info, body []byte) bool {
	switch {
	case info.Mixed:
		return false
	case info.Kind == flv.Video:
		return f.tracks.Video != nil && f.tracks.Video.Codec == info.Codec
	case info.Codec == flv.MP3: // every frame describes its format
		t := f.tracks.Audio
		return t != nil && t.Codec == flv.MP3 && (t.Samples(body) > 0 || !isMP3(body))
	}
	return f.tracks.Audio != nil && f.tracks.Audio.Codec == info.Codec
}

func isMP3(body []byte) bool {
	_, err := mp4track.NewMP3(body)
	return err == nil
}

// header returns the init segment, followed by a free box, which the seek table replaces later.
func (f *mp4File) header() (b []byte, err error) {
	defer guard(&err)
	var init fmp4.Init
	for _, t := range []*mp4track.Track{f.tracks.Video, f.tracks.Audio} {
		if t != nil {
			init.Tracks = append(init.Tracks, &fmp4.InitTrack{ID: len(init.Tracks) + firstTrack, TimeScale: uint32(t.TimeScale), Codec: t.MP4Codec})
		}
	}
	var out seekablebuffer.Buffer
	if err := init.Marshal(&out); err != nil {
		return nil, err
	}
	return append(out.Bytes(), free(tableBytes)...), nil
}

// sample is a frame in a fragment.
type sample struct {
	fmp4.Sample
	at int64 // time in the time scale of its track
}

// fragment encodes frames as a fragment of MP4. It calls onError for frames that are skipped.
func (f *mp4File) fragment(frames []timedFrame, until int64, onError func(error)) (p fragment, err error) {
	defer guard(&err)
	var pictures, audio []sample
	for _, frame := range frames {
		if frame.Info().Kind == flv.Video {
			pictures, err = f.addVideo(pictures, frame)
		} else {
			audio, err = f.addAudio(audio, frame)
		}
		if err != nil {
			onError(err)
		}
	}
	part := fmp4.Part{SequenceNumber: f.number + 1}
	id := firstTrack
	if f.tracks.Video != nil {
		if n := len(pictures); n > 0 {
			last := &pictures[n-1]
			last.Duration = length(until*mp4track.VideoTimeScale/1000 - last.at)
			part.Tracks = append(part.Tracks, trackOf(id, pictures))
		}
		id++
	}
	if len(audio) > 0 {
		part.Tracks = append(part.Tracks, trackOf(id, audio))
	}
	switch {
	case len(part.Tracks) == 0:
		return fragment{}, nil
	case len(pictures) > 0:
		p.at = (pictures[0].at + int64(pictures[0].PTSOffset)) * 1000 / mp4track.VideoTimeScale
		p.key = !pictures[0].IsNonSyncSample
	default:
		p.at = audio[0].at * 1000 / int64(f.tracks.Audio.TimeScale)
		p.key = f.tracks.Video == nil || f.number == 0
	}
	var out seekablebuffer.Buffer
	if err := part.Marshal(&out); err != nil {
		return fragment{}, err
	}
	f.number++
	p.bytes = out.Bytes()
	return p, nil
}

func (f *mp4File) addVideo(to []sample, frame timedFrame) ([]sample, error) {
	info := frame.Info()
	payload, err := f.units(frame)
	if err != nil || len(payload) == 0 {
		return to, err
	}
	at := max(frame.at*mp4track.VideoTimeScale/1000, f.videoAt+1)
	presentation := (frame.at + int64(info.Offset)) * mp4track.VideoTimeScale / 1000
	f.videoAt = at
	if n := len(to); n > 0 {
		to[n-1].Duration = length(at - to[n-1].at)
	}
	offset := int32(max(math.MinInt32, min(math.MaxInt32, presentation-at)))
	return append(to, sample{fmp4.Sample{PTSOffset: offset, IsNonSyncSample: !info.Key, Payload: payload}, at}), nil
}

// units returns a picture in the format of MP4. For most publishers that is the payload itself.
func (f *mp4File) units(frame timedFrame) ([]byte, error) {
	b := bodyOf(frame.Frame)
	if frame.Info().Codec == flv.AV1 {
		units, err := flv.SplitOBUs(b)
		if err != nil || len(units) == 0 {
			return nil, err
		}
		return av1.Bitstream(units).Marshal()
	}
	sets := f.tracks.Video.Sets
	units, err := flv.AppendNALUs(nil, b, sets.LengthSize)
	if err != nil || len(units) == 0 {
		return nil, err
	}
	if sets.LengthSize == 4 {
		return b, nil
	}
	return h264.AVCC(units).Marshal()
}

var errAudio = errors.New("record: malformed audio frame")

func (f *mp4File) addAudio(to []sample, frame timedFrame) ([]sample, error) {
	b := bodyOf(frame.Frame)
	n := f.tracks.Audio.Samples(b)
	if n <= 0 || len(b) == 0 {
		return to, errAudio
	}
	at := max(f.clock.Time(frame.at, n), f.audioAt+1)
	f.audioAt = at
	if last := len(to) - 1; last >= 0 {
		to[last].Duration = length(at - to[last].at)
	}
	return append(to, sample{fmp4.Sample{Duration: length(n), Payload: b}, at}), nil
}

// length returns n limited to the durations that a sample can store.
func length(n int64) uint32 { return uint32(max(1, min(math.MaxUint32, n))) }

func trackOf(id int, samples []sample) *fmp4.PartTrack {
	t := &fmp4.PartTrack{ID: id, BaseTime: uint64(max(0, samples[0].at))}
	for i := range samples {
		t.Samples = append(t.Samples, &samples[i].Sample)
	}
	return t
}

func (f *mp4File) timeScale() int64 {
	if f.tracks.Video != nil {
		return mp4track.VideoTimeScale
	}
	return int64(f.tracks.Audio.TimeScale)
}

// guard turns a panic of a dependency into an error. It is deferred.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("record: panic in a library: %v", p)
	}
}
