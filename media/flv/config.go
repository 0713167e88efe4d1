package flv

import (
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/deepch/vdk/codec/aacparser"
)

// ErrBroken is wrapped when a codec's bytes are not what they should be.
var ErrBroken = errors.New("flv: broken codec data")

const (
	maxSide = 1 << 14 // pixels
	maxRate = 768_000 // samples a second
)

// Size is the width and height of a picture in pixels.
type Size struct{ Width, Height int }

// guard makes an error of a parser's panic: they index what they were told to be there.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrBroken, p)
	}
}

// SizeOf reads the size of the picture from a video sequence header. It is zero, without error, for
// codecs whose headers do not tell.
func SizeOf(header []byte) (size Size, err error) {
	defer guard(&err)
	info := Describe(Video, header)
	if !info.Header {
		return Size{}, fmt.Errorf("%w: no sequence header", ErrBroken)
	}
	switch body := header[info.Body:]; info.Codec {
	case H264:
		size, err = sizeOfH264(body)
	case HEVC:
		size, err = sizeOfHEVC(body)
	case AV1:
		size, err = sizeOfAV1(body)
	}
	if err == nil && (size.Width < 0 || size.Height < 0 || size.Width > maxSide || size.Height > maxSide) {
		err = fmt.Errorf("%w: a picture of %d x %d", ErrBroken, size.Width, size.Height)
	}
	if err != nil {
		return Size{}, err
	}
	return size, nil
}

func sizeOfH264(body []byte) (Size, error) {
	sets, err := parseAVCC(body)
	if err != nil {
		return Size{}, err
	}
	var sps h264.SPS
	if err := sps.Unmarshal(sets.SPS); err != nil {
		return Size{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return Size{sps.Width(), sps.Height()}, nil
}

func sizeOfHEVC(body []byte) (Size, error) {
	sets, err := parseHVCC(body)
	if err != nil {
		return Size{}, err
	}
	var sps h265.SPS
	if err := sps.Unmarshal(sets.SPS); err != nil {
		return Size{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return Size{sps.Width(), sps.Height()}, nil
}

func sizeOfAV1(body []byte) (Size, error) {
	obu, err := av1SequenceHeader(body)
	if err != nil {
		return Size{}, err
	}
	var h av1.SequenceHeader
	if err := h.Unmarshal(obu); err != nil {
		return Size{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return Size{h.Width(), h.Height()}, nil
}

// Sound is what is known of an audio track.
type Sound struct{ Rate, Channels int }

// SoundOf reads the rate and the channels from an audio payload, which for AAC must be the sequence
// header. It is zero, without error, for codecs whose payloads do not tell.
func SoundOf(payload []byte) (sound Sound, err error) {
	defer guard(&err)
	info := Describe(Audio, payload)
	switch {
	case info.Codec == AAC && info.Header:
		return soundOfAAC(payload[info.Body:])
	case info.Codec == Opus && info.Header && len(payload) > info.Body+9: // "OpusHead", a version, the channels
		return Sound{48_000, int(payload[info.Body+9])}, nil
	case info.Codec == MP3 && info.Body == 1:
		return Sound{[]int{5512, 11_025, 22_050, 44_100}[payload[0]>>2&3], 1 + int(payload[0]&1)}, nil
	}
	return Sound{}, nil
}

func soundOfAAC(body []byte) (Sound, error) {
	c, err := aacparser.ParseMPEG4AudioConfigBytes(body)
	if err != nil {
		return Sound{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	rate := c.SampleRate
	if c.ObjectType < 32 && body[0]&7 == 7 && body[1]&0x80 != 0 { // no index, but the rate itself
		rate = int(c.SampleRateIndex)
	}
	channels := []int{0, 1, 2, 3, 4, 5, 6, 8}
	if rate <= 0 || rate > maxRate || int(c.ChannelConfig) >= len(channels) {
		return Sound{}, fmt.Errorf("%w: sound of %d Hz, layout %d", ErrBroken, rate, c.ChannelConfig)
	}
	return Sound{rate, channels[c.ChannelConfig]}, nil
}
