package record

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"roomlog/media/flv"
)

// IndexFile is the name of the index of a recording.
const IndexFile = "index.jsonl"

const newIndexFile = IndexFile + ".new" // an index that is being rewritten

const (
	maxLine   = 64 << 10
	maxDigits = 9 // maximum number of digits of the number of a part
)

// line is one line of an index. Kind determines which fields are set.
type line struct {
	Kind string    `json:"kind"`
	Wall time.Time `json:"wall"`

	// Fields of lineRecording, the first line.
	ID     string `json:"id,omitempty"`
	Folder string `json:"folder,omitempty"`
	Stream string `json:"stream,omitempty"`

	// Fields of linePart: the file, the number of bytes before its first fragment, and the time scale of its first
	// track.
	File      string    `json:"file,omitempty"`
	Header    int64     `json:"header,omitempty"`
	TimeScale int64     `json:"time_scale,omitempty"`
	Video     flv.Codec `json:"video,omitempty"`
	Audio     flv.Codec `json:"audio,omitempty"`
	Width     int       `json:"width,omitempty"`
	Height    int       `json:"height,omitempty"`

	// Fields of lineFragment: its range of bytes in the file, and its time and length in the part in ms.
	Offset int64 `json:"offset,omitempty"`
	Size   int64 `json:"size,omitempty"`
	At     int64 `json:"at,omitempty"`
	Length int64 `json:"length,omitempty"`
	Key    bool  `json:"key,omitempty"` // whether a player can start here

	// Fields of lineEnd.
	Reason Reason `json:"reason,omitempty"`
	Skips  uint64 `json:"skips,omitempty"`

	removed // Fields of lineRemoved, which is the second line if parts were deleted.
}

// removed counts what a running recording has deleted since its beginning to make room.
type removed struct {
	Parts           int64 `json:"parts,omitempty"`
	Segments        int64 `json:"segments,omitempty"`        // number of segments of the playlist
	Discontinuities int64 `json:"discontinuities,omitempty"` // number of segments that began with a discontinuity
}

// The kinds of lines.
const (
	lineRecording = "recording"
	lineRemoved   = "removed"
	linePart      = "part"
	lineFragment  = "fragment"
	lineEnd       = "end"
	lineNotified  = "notified" // the observer was notified of the end
)

func parseLine(b []byte) (l line, err error) {
	err = json.Unmarshal(b, &l)
	return l, err
}

// write appends the line after the first size bytes of f and returns its size. After an error, such as a full disk,
// it removes what was written.
func (l line) write(f *os.File, size int64) (int64, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return 0, err
	}
	return writeWhole(f, append(b, '\n'), size)
}

// writeWhole writes all of b after the first size bytes of f, or nothing.
func writeWhole(f *os.File, b []byte, size int64) (int64, error) {
	if _, err := f.WriteAt(b, size); err != nil {
		_ = f.Truncate(size)
		return 0, err
	}
	return int64(len(b)), nil
}

// indexed describes a recording with the data of its index.
type indexed struct {
	Recording
	parts    []indexedPart
	ended    bool
	notified bool
	size     int64     // size in bytes of the index up to its last complete line
	newest   time.Time // end of the last fragment

	sizeOf func(file string) int64
}

// indexedPart describes a part with the data of the index.
type indexedPart struct {
	header, end int64 // bytes before the first fragment, and up to the end of the newest one
	size        int64 // size of the file in bytes
	timeScale   int64
	length      int64 // length in ms
	points      seekPoints
}

// readIndex reads an index up to the first line that is malformed or describes data that the files do not have. That
// line was being written when the process was killed.
func readIndex(r io.Reader, sizeOf func(file string) int64) (indexed, error) {
	f := indexed{sizeOf: sizeOf}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		l, err := parseLine(lines.Bytes())
		if err != nil || !f.add(l) {
			break
		}
		f.size += int64(len(lines.Bytes())) + 1
	}
	if f.ID == "" {
		return f, fmt.Errorf("%s: not an index of a recording: %w", IndexFile, lines.Err())
	}
	return f, nil
}

// add adds a line and reports whether it is consistent.
func (f *indexed) add(l line) bool {
	if (f.ID == "") != (l.Kind == lineRecording) {
		return false
	}
	switch l.Kind {
	case lineRecording:
		f.ID, f.Folder, f.Stream, f.StartedAt, f.newest = l.ID, l.Folder, l.Stream, l.Wall, l.Wall
	case linePart:
		if !validName(l.File) || l.Header < 0 || len(f.Parts) >= maxParts {
			return false
		}
		size := f.sizeOf(l.File)
		if size < l.Header {
			return false
		}
		f.Parts = append(f.Parts, Part{File: l.File, StartedAt: l.Wall, Video: l.Video, Audio: l.Audio, Size: flv.Size{Width: l.Width, Height: l.Height}})
		f.parts = append(f.parts, indexedPart{header: l.Header, end: l.Header, size: size, timeScale: l.TimeScale})
	case lineFragment:
		return f.addFragment(l)
	case lineEnd:
		f.EndedAt, f.Reason, f.Skips, f.ended = l.Wall, l.Reason, l.Skips, true
	case lineNotified:
		f.notified = true
	}
	return true
}

// addFragment adds a fragment to the last part and reports whether it is consistent.
func (f *indexed) addFragment(l line) bool {
	if len(f.parts) == 0 {
		return false
	}
	p := &f.parts[len(f.parts)-1]
	if l.Offset != p.end || l.Size <= 0 || l.Size > math.MaxInt32 || l.Length < 0 || p.size < l.Offset+l.Size {
		return false
	}
	f.newest = l.Wall.Add(time.Duration(l.Length) * time.Millisecond)
	p.end = l.Offset + l.Size
	p.length = max(p.length, l.At+l.Length)
	if l.Key {
		p.points.add(seekPoint{at: l.At, offset: l.Offset})
	}
	return true
}

// validName reports whether name can be the file name of a part.
func validName(name string) bool {
	digits := 0
	for digits < len(name) && name[digits] >= '0' && name[digits] <= '9' {
		digits++
	}
	return digits > 0 && digits <= maxDigits && (name[digits:] == suffixMP4 || name[digits:] == suffixFLV)
}
