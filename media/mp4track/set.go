package mp4track

import (
	"bytes"
	"reflect"

	"roomlog/media/flv"
)

// Set contains the video and the audio track of a stream. A track is nil if the stream does not have it, or if MP4
// cannot store it.
type Set struct {
	Video, Audio *Track

	videoHeader, audioHeader []byte
}

// Update applies a sequence header, and reports whether it describes another track than the previous one. Headers of one
// track may differ in bytes that do not matter, for example when their ends are missing. If the header is malformed,
// Update removes its track and returns an error.
func (t *Set) Update(info flv.Info, header []byte) (changed bool, err error) {
	switch {
	case info.Track != 0:
		return false, nil
	case info.Kind == flv.Video && !bytes.Equal(header, t.videoHeader):
		t.videoHeader = header
		return replace(&t.Video, info, header)
	case info.Kind == flv.Audio && !bytes.Equal(header, t.audioHeader):
		t.audioHeader = header
		return replace(&t.Audio, info, header)
	}
	return false, nil
}

// replace replaces a track by the one that a header describes, and reports whether they differ.
func replace(track **Track, info flv.Info, header []byte) (changed bool, err error) {
	before := *track
	*track, err = New(info, header)
	return err != nil || !reflect.DeepEqual(*track, before), err
}

// Empty reports whether the set has no track.
func (t *Set) Empty() bool { return t.Video == nil && t.Audio == nil }
