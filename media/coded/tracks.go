package coded

import (
	"bytes"

	"roomlog/media/flv"
)

// Set is the picture and the sound of a stream, as far as its headers were heard: nil is what it does not
// have, or what no file can hold.
type Set struct {
	Video, Audio *Track

	videoHeader, audioHeader []byte
}

// Update takes a sequence header, and says whether it changes anything. A broken one leaves its track out.
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

// Empty says that there is nothing that a file could hold.
func (t *Set) Empty() bool { return t.Video == nil && t.Audio == nil }
