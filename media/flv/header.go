package flv

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/deepch/vdk/codec/aacparser"
)

const (
	maxSide = 1 << 14 // maximum width and height in pixels
	maxRate = 768_000 // maximum number of samples per second
)

// Size is the width and height of video in pixels.
type Size struct{ Width, Height int }

// ParseSize returns the size of the video that a sequence header describes. It returns a zero Size and no error for
// codecs whose headers do not contain the size.
func ParseSize(header []byte) (size Size, err error) {
	defer guard(&err)
	info := Describe(Video, header)
	if !info.Header {
		return Size{}, fmt.Errorf("%w: not a sequence header", ErrMalformed)
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
		err = fmt.Errorf("%w: video of %d x %d pixels", ErrMalformed, size.Width, size.Height)
	}
	if err != nil {
		return Size{}, err
	}
	return size, nil
}

func sizeOfH264(body []byte) (Size, error) {
	sets, err := parseAVCC(body)
	if err == nil {
		err = sets.checkAVC()
	}
	if err != nil {
		return Size{}, err
	}
	var sps h264.SPS
	if err := sps.Unmarshal(sets.SPS); err != nil {
		return Size{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return Size{sps.Width(), sps.Height()}, nil
}

func sizeOfHEVC(body []byte) (Size, error) {
	sets, err := parseHVCC(body)
	if err == nil {
		err = sets.checkHEVC()
	}
	if err != nil {
		return Size{}, err
	}
	var sps h265.SPS
	if err := sps.Unmarshal(sets.SPS); err != nil {
		return Size{}, fmt.Errorf("%w: %w", ErrMalformed, err)
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
		return Size{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return Size{h.Width(), h.Height()}, nil
}

// Sound describes an audio track: samples per second and channels.
type Sound struct{ Rate, Channels int }

// ParseSound returns the rate and the channels of an audio payload. For AAC and Opus the payload must be the sequence
// header. ParseSound returns a zero Sound and no error for codecs whose payloads do not contain rate and channels.
func ParseSound(payload []byte) (sound Sound, err error) {
	defer guard(&err)
	info := Describe(Audio, payload)
	switch {
	case info.Codec == AAC && info.Header:
		return soundOfAAC(payload[info.Body:])
	case info.Codec == Opus && info.Header:
		return soundOfOpus(payload[info.Body:])
	case info.Codec == MP3 && info.Body == 1:
		return Sound{[]int{5512, 11_025, 22_050, 44_100}[payload[0]>>2&3], 1 + int(payload[0]&1)}, nil
	}
	return Sound{}, nil
}

// typesOfAAC contains the audio object types of AAC and its extensions (ISO 14496-3, table 1.17).
var typesOfAAC = []uint{1, 2, 3, 4, 5, 6, 17, 20, 23, 29, 39, 42}

const (
	opusHeadSize = 19 // bytes of the header without a channel mapping (RFC 7845, section 5.1)
	minElement   = 5  // minimum size in bytes of a configuration with a program configuration element, which describes the channels
)

// soundOfOpus parses an identification header (RFC 7845, section 5.1).
func soundOfOpus(body []byte) (Sound, error) {
	const families, perChannel = 18, 2
	switch {
	case len(body) < opusHeadSize || !bytes.HasPrefix(body, []byte("OpusHead")):
		return Sound{}, fmt.Errorf("%w: not an identification header of Opus", ErrMalformed)
	case body[8]>>4 != 0:
		return Sound{}, fmt.Errorf("%w: Opus of version %d", ErrMalformed, body[8])
	case body[9] == 0, body[families] == 0 && body[9] > 2, body[families] != 0 && len(body) < opusHeadSize+perChannel+int(body[9]):
		return Sound{}, fmt.Errorf("%w: Opus with %d channels and mapping family %d", ErrMalformed, body[9], body[families])
	}
	return Sound{48_000, int(body[9])}, nil
}

func soundOfAAC(body []byte) (Sound, error) {
	c, err := aacparser.ParseMPEG4AudioConfigBytes(body)
	if err != nil {
		return Sound{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !slices.Contains(typesOfAAC, c.ObjectType) {
		return Sound{}, fmt.Errorf("%w: audio object type %d", ErrMalformed, c.ObjectType)
	}
	rate := c.SampleRate
	if c.ObjectType < 32 && body[0]&7 == 7 && body[1]&0x80 != 0 { // an explicit rate instead of an index
		rate = int(c.SampleRateIndex)
	}
	channels := []int{0, 1, 2, 3, 4, 5, 6, 8}
	if rate <= 0 || rate > maxRate || int(c.ChannelConfig) >= len(channels) {
		return Sound{}, fmt.Errorf("%w: audio of %d Hz with channel layout %d", ErrMalformed, rate, c.ChannelConfig)
	}
	if c.ChannelConfig == 0 && len(body) < minElement {
		return Sound{}, fmt.Errorf("%w: audio without a channel layout", ErrMalformed)
	}
	return Sound{rate, channels[c.ChannelConfig]}, nil
}

// ParseAV1Header returns the sequence header OBU in an AV1 sequence header.
func ParseAV1Header(header []byte) (obu []byte, err error) {
	defer guard(&err)
	info := Describe(Video, header)
	if !info.Header || info.Codec != AV1 {
		return nil, fmt.Errorf("%w: not a sequence header of AV1", ErrMalformed)
	}
	return av1SequenceHeader(header[info.Body:])
}

// av1SequenceHeader returns the sequence header OBU in a decoder configuration record. The OBUs of a record follow its
// first four bytes.
func av1SequenceHeader(record []byte) ([]byte, error) {
	if len(record) < 5 {
		return nil, fmt.Errorf("%w: decoder configuration of %d bytes", ErrMalformed, len(record))
	}
	units, err := splitOBUs(record[4:], maxSets)
	if err != nil {
		return nil, err
	}
	for _, unit := range units {
		if unit.kind() == obuSequenceHeader {
			return unit.withoutSize(), nil
		}
	}
	return nil, fmt.Errorf("%w: no sequence header OBU", ErrMalformed)
}
