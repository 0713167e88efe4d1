package record

import (
	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/mp4track"
)

// contents holds the headers of a stream and the tracks that they describe.
type contents struct {
	tracks  mp4track.Set
	headers [3]*media.Frame // the newest metadata, video header and audio header
}

// addHeader stores a header and reports whether a new part must begin.
func (c *contents) addHeader(f *media.Frame) (changed bool, err error) {
	info := f.Info()
	if info.Track != 0 {
		return false, nil
	}
	switch info.Kind {
	case flv.Script:
		c.headers[0] = f
		return false, nil
	case flv.Video:
		c.headers[1] = f
	case flv.Audio:
		c.headers[2] = f
	}
	return c.tracks.Update(info, f.Payload())
}

// addAudio sets the audio track from an audio frame, if the codec has no sequence header.
func (c *contents) addAudio(info flv.Info, body []byte) {
	if info.Codec != flv.MP3 {
		return
	}
	if t := c.tracks.Audio; t != nil && t.Codec == flv.MP3 && t.Samples(body) > 0 {
		return
	}
	if t, err := mp4track.NewMP3(body); err == nil {
		c.tracks.Audio = t
	}
}

// container returns the container for frames: MP4 if it can store all of them, otherwise FLV.
func (c *contents) container(frames []timedFrame) container {
	var video, audio bool
	fits := true
	for _, f := range frames {
		info := f.Info()
		switch info.Kind {
		case flv.Video:
			video, fits = true, fits && c.tracks.Video != nil && c.tracks.Video.Codec == info.Codec && !info.Mixed
		case flv.Audio:
			audio, fits = true, fits && c.tracks.Audio != nil && c.tracks.Audio.Codec == info.Codec && !info.Mixed
		}
	}
	if fits {
		return newMP4(c.tracks)
	}
	return &flvFile{headers: c.headers, video: video, audio: audio}
}

// describe adds the codecs and the size of frames to the description of their part.
func (c *contents) describe(p *Part, frames []timedFrame) {
	for _, f := range frames {
		if !f.isVideo() {
			p.Audio = f.Info().Codec
			continue
		}
		p.Video = f.Info().Codec
		if v := c.tracks.Video; v != nil {
			p.Size = v.Size
		}
	}
}
