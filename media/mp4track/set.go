package mp4track

import (
	"bytes"

	"roomlog/media/flv"
)

// Set contains the video and the audio track of a stream. A track is nil if the stream does not have it, or if MP4
// cannot store it.
type Set struct {
	Video, Audio *Track

	videoHeader, audioHeader []byte
}

// Update applies a sequence header, and reports whether it differs from the previous one. If the header is malformed,
// Update removes its track and returns an error.
func (t *Set) Update(info flv.Info, header []byte) (changed bool, err error) {
	switch {
	case info.Track != 0:
		return false, nil
	case info.Kind == flv.Video && !bytes.Equal(header, t.videoHeader):
		t.videoHeader = header
		t.Video, err = New(info, header)
		return true, err
	case info.Kind == flv.Audio && !bytes.Equal(header, t.audioHeader):
		t.audioHeader = header
		t.Audio, err = New(info, header)
		return true, err
	}
	return false, nil
}

// Empty reports whether the set has no track.
func (t *Set) Empty() bool { return t.Video == nil && t.Audio == nil }
