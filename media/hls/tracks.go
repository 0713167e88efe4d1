package hls

import (
	"bytes"
	"fmt"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"
	h264lib "github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	mp4 "github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"roomlog/media/flv"
)

const videoClock = 90_000

// tracks is what the sequence headers say that there is.
type tracks struct {
	videoHeader, audioHeader []byte

	video      *gohlslib.Track
	videoCodec flv.Codec
	sets       flv.Sets // of H264 and HEVC

	audio      *gohlslib.Track
	audioCodec flv.Codec
}

// learn takes a sequence header, and says whether it changes anything. A broken one leaves its track out.
func (t *tracks) learn(info flv.Info, payload []byte) (changed bool, err error) {
	defer guard(&err)
	switch {
	case info.Track != 0:
		return false, nil
	case info.Kind == flv.Video && !bytes.Equal(payload, t.videoHeader):
		changed = true
		t.videoHeader, t.videoCodec, t.video = payload, info.Codec, nil
		t.video, t.sets, err = videoTrack(info, payload)
	case info.Kind == flv.Audio && !bytes.Equal(payload, t.audioHeader):
		changed = true
		t.audioHeader, t.audioCodec, t.audio = payload, info.Codec, nil
		t.audio, err = audioTrack(info, payload)
	}
	return changed, err
}

func videoTrack(info flv.Info, payload []byte) (*gohlslib.Track, flv.Sets, error) {
	track := &gohlslib.Track{ClockRate: videoClock}
	if size, err := flv.SizeOf(payload); err != nil { // the library reads it too, and must not stumble
		return nil, flv.Sets{}, err
	} else if size.Width == 0 || size.Height == 0 {
		return nil, flv.Sets{}, ErrCodecs
	}
	var sets flv.Sets
	var obu []byte
	var proof mp4.Codec
	var err error
	switch info.Codec {
	case flv.H264:
		sets, err = flv.SetsOf(payload)
		track.Codec, proof = &codecs.H264{SPS: sets.SPS, PPS: sets.PPS}, &mp4.H264{SPS: sets.SPS, PPS: sets.PPS}
	case flv.HEVC:
		sets, err = flv.SetsOf(payload)
		track.Codec, proof = &codecs.H265{VPS: sets.VPS, SPS: sets.SPS, PPS: sets.PPS}, &mp4.H265{VPS: sets.VPS, SPS: sets.SPS, PPS: sets.PPS}
	case flv.AV1:
		obu, err = flv.AV1Header(payload)
		track.Codec, proof = &codecs.AV1{SequenceHeader: obu}, &mp4.AV1{SequenceHeader: obu}
	default:
		err = ErrCodecs
	}
	if err == nil {
		err = prove(proof)
	}
	if err != nil {
		return nil, flv.Sets{}, err
	}
	return track, sets, nil
}

func proven(track *gohlslib.Track, codec mp4.Codec) (*gohlslib.Track, error) {
	if err := prove(codec); err != nil {
		return nil, err
	}
	return track, nil
}

// prove does what the library will do with a track while it holds a lock, where a fault would not be
// survived.
func prove(codec mp4.Codec) (err error) {
	defer guard(&err)
	if h264, is := codec.(*mp4.H264); is {
		var sps h264lib.SPS
		if err := sps.Unmarshal(h264.SPS); err != nil {
			return fmt.Errorf("h264: %w", err)
		}
	}
	init := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: 1, TimeScale: videoClock, Codec: codec}}}
	var out seekablebuffer.Buffer
	return init.Marshal(&out)
}

func audioTrack(info flv.Info, payload []byte) (*gohlslib.Track, error) {
	switch info.Codec {
	case flv.AAC:
		var config mpeg4audio.AudioSpecificConfig
		if err := config.Unmarshal(payload[info.Body:]); err != nil {
			return nil, fmt.Errorf("aac: %w", err)
		}
		if config.SampleRate <= 0 {
			return nil, fmt.Errorf("aac: %d Hz", config.SampleRate)
		}
		track := &gohlslib.Track{Codec: &codecs.MPEG4Audio{Config: config}, ClockRate: config.SampleRate}
		return proven(track, &mp4.MPEG4Audio{Config: config})
	case flv.Opus:
		sound, err := flv.SoundOf(payload)
		if err != nil || sound.Channels < 1 || sound.Channels > 2 {
			return nil, fmt.Errorf("opus: %d channels: %w", sound.Channels, err)
		}
		track := &gohlslib.Track{Codec: &codecs.Opus{ChannelCount: sound.Channels}, ClockRate: sound.Rate}
		return proven(track, &mp4.Opus{ChannelCount: sound.Channels})
	}
	return nil, ErrCodecs
}

// list is what the library is told of.
func (t *tracks) list() []*gohlslib.Track {
	var all []*gohlslib.Track
	if t.video != nil {
		all = append(all, t.video)
	}
	if t.audio != nil {
		all = append(all, t.audio)
	}
	return all
}

// guard makes an error of a panic in a library.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("hls: a library failed: %v", p)
	}
}
