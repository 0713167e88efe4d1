package demo

import (
	"context"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"roomlog/internal/wait"
	"roomlog/media/flv"
)

// The films were rendered by a program, so that nobody has rights in them: 640x360 H.264 with a key frame every two seconds,
// AAC, eight seconds.
//
//go:embed media/*.flv media/*.jpg
var embedded embed.FS

// film is a short stream that is repeated until the demo ends.
type film struct {
	video, audio *gortmplib.Track
	frames       []frame
	length       time.Duration
}

// frame is one picture or one sound of a film.
type frame struct {
	at    time.Duration
	video bool
	units [][]byte
}

const (
	flvHeader = 9 + 4  // bytes before the first tag
	tagHeader = 11     // bytes before the payload of a tag
	tagTail   = 4      // bytes after the payload of a tag
	minLength = 1 << 6 // a shorter file has no film
)

var errFilm = errors.New("demo: the film is damaged")

func readFilm(name string) (*film, error) {
	file, err := embedded.ReadFile("media/" + name + ".flv")
	if err != nil || len(file) < minLength {
		return nil, errors.Join(err, errFilm)
	}
	f := &film{}
	for rest := file[flvHeader:]; len(rest) > tagHeader; {
		size := int(binary.BigEndian.Uint32(rest) & 0xffffff)
		at := time.Duration(binary.BigEndian.Uint32(rest[4:])>>8|uint32(rest[7])<<24) * time.Millisecond
		if len(rest) < tagHeader+size+tagTail {
			return nil, errFilm
		}
		if err := f.add(rest[0], at, rest[tagHeader:tagHeader+size]); err != nil {
			return nil, err
		}
		rest = rest[tagHeader+size+tagTail:]
	}
	if f.video == nil || f.audio == nil || len(f.frames) == 0 {
		return nil, errFilm
	}
	f.length += 40 * time.Millisecond // length of the last picture
	return f, nil
}

func (f *film) add(kind byte, at time.Duration, payload []byte) error {
	switch {
	case kind == flv.Video && payload[1] == 0:
		sets, err := flv.ParseParameterSets(payload)
		if err != nil {
			return err
		}
		f.video = &gortmplib.Track{Codec: &codecs.H264{SPS: sets.SPS, PPS: sets.PPS}}
	case kind == flv.Video && payload[1] == 1:
		units, err := flv.AppendNALUs(nil, payload[5:], 4)
		if err != nil {
			return err
		}
		f.frames = append(f.frames, frame{at, true, units})
		f.length = max(f.length, at)
	case kind == flv.Audio && payload[1] == 0:
		config := &mpeg4audio.AudioSpecificConfig{}
		if err := config.Unmarshal(payload[2:]); err != nil {
			return err
		}
		f.audio = &gortmplib.Track{Codec: &codecs.MPEG4Audio{Config: config}}
	case kind == flv.Audio:
		f.frames = append(f.frames, frame{at, false, [][]byte{payload[2:]}})
	}
	return nil
}

// publish publishes the film again and again until ctx ends. It reconnects when the connection is lost.
func (f *film) publish(ctx context.Context, address, key, sign string) {
	for ctx.Err() == nil {
		_ = f.publishOnce(ctx, address, key, sign) // the server logs why
		wait.Sleep(ctx, time.Second)
	}
}

func (f *film) publishOnce(ctx context.Context, address, key, sign string) error {
	connecting, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	c := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: address, Path: "/live/" + key, RawQuery: "sign=" + sign}, Publish: true}
	if err := c.Initialize(connecting); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, c.Close)
	defer stop()
	w := &gortmplib.Writer{Conn: c, Tracks: []*gortmplib.Track{f.video, f.audio}}
	if err := w.Initialize(); err != nil {
		return err
	}
	begun := time.Now()
	for round := 0; ; round++ {
		for _, one := range f.frames {
			at := time.Duration(round)*f.length + one.at
			if ahead := at - time.Since(begun); ahead > 0 && !wait.Sleep(ctx, ahead) {
				return nil
			}
			var err error
			if one.video {
				err = w.WriteH264(f.video, at, at, one.units)
			} else {
				err = w.WriteMPEG4Audio(f.audio, at, one.units[0])
			}
			if err != nil {
				return err
			}
		}
	}
}
