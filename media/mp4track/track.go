package mp4track

import (
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"roomlog/media/flv"
)

// VideoTimeScale is the time scale of video tracks, in ticks per second.
const VideoTimeScale = 90_000

// ErrCodec is returned for a codec that MP4 cannot store, or that this package cannot write.
var ErrCodec = errors.New("mp4track: codec not supported in MP4")

// Track describes a video or audio track.
type Track struct {
	Codec     flv.Codec
	TimeScale int               // ticks per second
	MP4Codec  codecs.Codec      // parameters with which mediacommon can write the track
	Sets      flv.ParameterSets // parameter sets; only for H.264 and HEVC
	Size      flv.Size          // size of the picture; only for video
}

// New returns the track that a sequence header describes.
func New(info flv.Info, header []byte) (t *Track, err error) {
	defer guard(&err)
	if info.Kind == flv.Video {
		t, err = videoTrack(info, header)
	} else {
		t, err = audioTrack(info, header)
	}
	if err == nil {
		err = tryWrite(t.MP4Codec)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func videoTrack(info flv.Info, header []byte) (*Track, error) {
	size, err := flv.ParseSize(header) // mediacommon also parses the size, and must not panic
	if err != nil {
		return nil, err
	}
	if size.Width == 0 || size.Height == 0 {
		return nil, ErrCodec
	}
	t := &Track{Codec: info.Codec, TimeScale: VideoTimeScale, Size: size}
	switch info.Codec {
	case flv.H264:
		t.Sets, err = flv.ParseParameterSets(header)
		t.MP4Codec = &codecs.H264{SPS: t.Sets.SPS, PPS: t.Sets.PPS}
	case flv.HEVC:
		t.Sets, err = flv.ParseParameterSets(header)
		t.MP4Codec = &codecs.H265{VPS: t.Sets.VPS, SPS: t.Sets.SPS, PPS: t.Sets.PPS}
	case flv.AV1:
		var obu []byte
		obu, err = flv.ParseAV1Header(header)
		t.MP4Codec = &codecs.AV1{SequenceHeader: obu}
	default:
		err = ErrCodec
	}
	return t, err
}

func audioTrack(info flv.Info, header []byte) (*Track, error) {
	switch info.Codec {
	case flv.AAC:
		var config mpeg4audio.AudioSpecificConfig
		if err := config.Unmarshal(header[info.Body:]); err != nil {
			return nil, fmt.Errorf("aac: %w", err)
		}
		if config.SampleRate <= 0 {
			return nil, fmt.Errorf("aac: %d Hz", config.SampleRate)
		}
		return &Track{Codec: flv.AAC, TimeScale: config.SampleRate, MP4Codec: &codecs.MPEG4Audio{Config: config}}, nil
	case flv.Opus:
		sound, err := flv.ParseSound(header)
		if err != nil || sound.Channels < 1 || sound.Channels > 2 {
			return nil, fmt.Errorf("opus: %d channels: %w", sound.Channels, err)
		}
		return &Track{Codec: flv.Opus, TimeScale: sound.Rate, MP4Codec: &codecs.Opus{ChannelCount: sound.Channels}}, nil
	}
	return nil, ErrCodec
}

// NewMP3 returns the track that an MP3 frame describes. MP3 has no sequence header.
func NewMP3(body []byte) (*Track, error) {
	var h mpeg1audio.FrameHeader
	if err := h.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("mp3: %w", err)
	}
	channels := 2
	if h.ChannelMode == mpeg1audio.ChannelModeMono {
		channels = 1
	}
	t := &Track{Codec: flv.MP3, TimeScale: h.SampleRate, MP4Codec: &codecs.MPEG1Audio{SampleRate: h.SampleRate, ChannelCount: channels}}
	if err := tryWrite(t.MP4Codec); err != nil {
		return nil, err
	}
	return t, nil
}

// Samples returns the number of samples of an audio frame, or 0 if it is malformed.
func (t *Track) Samples(body []byte) int64 {
	switch t.Codec {
	case flv.AAC:
		return mpeg4audio.SamplesPerAccessUnit
	case flv.Opus:
		return opus.PacketDuration2(body)
	case flv.MP3:
		var h mpeg1audio.FrameHeader
		if h.Unmarshal(body) == nil && h.SampleRate == t.TimeScale {
			return int64(h.SampleCount())
		}
	}
	return 0
}

// tryWrite writes a track once in memory and returns the error, because later writes of the track cannot handle an
// error.
func tryWrite(codec codecs.Codec) (err error) {
	defer guard(&err)
	if avc, is := codec.(*codecs.H264); is {
		var sps h264.SPS
		if err := sps.Unmarshal(avc.SPS); err != nil {
			return fmt.Errorf("h264: %w", err)
		}
	}
	init := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: 1, TimeScale: VideoTimeScale, Codec: codec}}}
	var out seekablebuffer.Buffer
	return init.Marshal(&out)
}

// guard turns a panic of a dependency into an error. Defer it.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("mp4track: panic in a library: %v", p)
	}
}
