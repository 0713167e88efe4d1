package coded

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

// VideoRate is the clock of all pictures.
const VideoRate = 90_000

// ErrCodec is what no MP4 file holds, or not one that we could write.
var ErrCodec = errors.New("coded: no codec for MP4")

// Track is one kind of media as files know it.
type Track struct {
	Name  flv.Codec
	Rate  int          // of its clock, a second
	Codec codecs.Codec // proven to be writable
	Sets  flv.Sets     // of H264 and HEVC
	Size  flv.Size     // of pictures
}

// New is what a sequence header tells.
func New(info flv.Info, header []byte) (t *Track, err error) {
	defer guard(&err)
	if info.Kind == flv.Video {
		t, err = videoTrack(info, header)
	} else {
		t, err = audioTrack(info, header)
	}
	if err == nil {
		err = prove(t.Codec)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func videoTrack(info flv.Info, header []byte) (*Track, error) {
	size, err := flv.SizeOf(header) // libraries read it too, and must not stumble
	if err != nil {
		return nil, err
	}
	if size.Width == 0 || size.Height == 0 {
		return nil, ErrCodec
	}
	t := &Track{Name: info.Codec, Rate: VideoRate, Size: size}
	switch info.Codec {
	case flv.H264:
		t.Sets, err = flv.SetsOf(header)
		t.Codec = &codecs.H264{SPS: t.Sets.SPS, PPS: t.Sets.PPS}
	case flv.HEVC:
		t.Sets, err = flv.SetsOf(header)
		t.Codec = &codecs.H265{VPS: t.Sets.VPS, SPS: t.Sets.SPS, PPS: t.Sets.PPS}
	case flv.AV1:
		var obu []byte
		obu, err = flv.AV1Header(header)
		t.Codec = &codecs.AV1{SequenceHeader: obu}
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
		return &Track{Name: flv.AAC, Rate: config.SampleRate, Codec: &codecs.MPEG4Audio{Config: config}}, nil
	case flv.Opus:
		sound, err := flv.SoundOf(header)
		if err != nil || sound.Channels < 1 || sound.Channels > 2 {
			return nil, fmt.Errorf("opus: %d channels: %w", sound.Channels, err)
		}
		return &Track{Name: flv.Opus, Rate: sound.Rate, Codec: &codecs.Opus{ChannelCount: sound.Channels}}, nil
	}
	return nil, ErrCodec
}

// NewMP3 is what a frame of MP3 tells, which has no header apart.
func NewMP3(body []byte) (*Track, error) {
	var h mpeg1audio.FrameHeader
	if err := h.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("mp3: %w", err)
	}
	channels := 2
	if h.ChannelMode == mpeg1audio.ChannelModeMono {
		channels = 1
	}
	t := &Track{Name: flv.MP3, Rate: h.SampleRate, Codec: &codecs.MPEG1Audio{SampleRate: h.SampleRate, ChannelCount: channels}}
	if err := prove(t.Codec); err != nil {
		return nil, err
	}
	return t, nil
}

// Samples is how many samples a coded frame of sound holds; 0 if it is broken.
func (t *Track) Samples(body []byte) int64 {
	switch t.Name {
	case flv.AAC:
		return mpeg4audio.SamplesPerAccessUnit
	case flv.Opus:
		return opus.PacketDuration2(body)
	case flv.MP3:
		var h mpeg1audio.FrameHeader
		if h.Unmarshal(body) == nil && h.SampleRate == t.Rate {
			return int64(h.SampleCount())
		}
	}
	return 0
}

// prove does what libraries do with a track where a fault would not be survived.
func prove(codec codecs.Codec) (err error) {
	defer guard(&err)
	if picture, is := codec.(*codecs.H264); is {
		var sps h264.SPS
		if err := sps.Unmarshal(picture.SPS); err != nil {
			return fmt.Errorf("h264: %w", err)
		}
	}
	init := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: 1, TimeScale: VideoRate, Codec: codec}}}
	var out seekablebuffer.Buffer
	return init.Marshal(&out)
}

// guard makes an error of a panic in a library.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("coded: a library failed: %v", p)
	}
}
