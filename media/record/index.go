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

// IndexFile is the index of a recording.
const IndexFile = "index.jsonl"

const maxLine = 64 << 10

// line is one line of an index. Its kind says which of the fields it has.
type line struct {
	Kind string    `json:"kind"`
	Wall time.Time `json:"wall"`

	// of a recording, the first line
	ID     string `json:"id,omitempty"`
	Folder string `json:"folder,omitempty"`

	// of a part: its file, how long the head is before the first fragment, the clock of its first track
	File   string    `json:"file,omitempty"`
	Head   int64     `json:"head,omitempty"`
	Rate   int64     `json:"rate,omitempty"`
	Video  flv.Codec `json:"video,omitempty"`
	Audio  flv.Codec `json:"audio,omitempty"`
	Width  int       `json:"width,omitempty"`
	Height int       `json:"height,omitempty"`

	// of a fragment: where it is in the file, and when in the part, in milliseconds
	Offset int64 `json:"offset,omitempty"`
	Size   int64 `json:"size,omitempty"`
	At     int64 `json:"at,omitempty"`
	Length int64 `json:"length,omitempty"`
	Key    bool  `json:"key,omitempty"` // a player can begin here

	// of the end
	Reason Reason `json:"reason,omitempty"`
	Skips  uint64 `json:"skips,omitempty"`
}

// The kinds of lines.
const (
	lineRecording = "recording"
	linePart      = "part"
	lineFragment  = "fragment"
	lineEnd       = "end"
	lineTold      = "told" // the observer has heard of the end
)

// write appends a line. What a full disk has left of it is taken away again.
func (l line) write(f *os.File, size int64) (int64, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return 0, err
	}
	return writeWhole(f, append(b, '\n'), size)
}

// writeWhole writes b behind the first size bytes of f, all or nothing.
func writeWhole(f *os.File, b []byte, size int64) (int64, error) {
	if _, err := f.WriteAt(b, size); err != nil {
		_ = f.Truncate(size)
		return 0, err
	}
	return int64(len(b)), nil
}

// found is what an index says.
type found struct {
	Recording
	parts  []foundPart
	ended  bool
	told   bool
	size   int64     // of the index, up to its last whole line
	newest time.Time // wall time up to which it goes

	sizeOf func(file string) int64
}

// foundPart is what it says of a part.
type foundPart struct {
	head, end int64 // bytes
	size      int64 // of the file
	rate      int64
	length    int64 // ms
	marks     marks
}

// readIndex reads an index up to the first line that is none, or that tells of what is not in the files: the
// rest was being written when the process died.
func readIndex(r io.Reader, sizeOf func(file string) int64) (found, error) {
	f := found{sizeOf: sizeOf}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) != nil || !f.take(l) {
			break
		}
		f.size += int64(len(lines.Bytes())) + 1
	}
	if f.ID == "" {
		return f, fmt.Errorf("%s: no recording: %w", IndexFile, lines.Err())
	}
	return f, nil
}

// take takes a line, or says that it does not fit.
func (f *found) take(l line) bool {
	if (f.ID == "") != (l.Kind == lineRecording) {
		return false
	}
	switch l.Kind {
	case lineRecording:
		f.ID, f.Folder, f.StartedAt, f.newest = l.ID, l.Folder, l.Wall, l.Wall
	case linePart:
		if !validName(l.File) || l.Head < 0 || len(f.Parts) >= maxParts {
			return false
		}
		size := f.sizeOf(l.File)
		if size < l.Head {
			return false
		}
		f.Parts = append(f.Parts, Part{File: l.File, StartedAt: l.Wall, Video: l.Video, Audio: l.Audio, Size: flv.Size{Width: l.Width, Height: l.Height}})
		f.parts = append(f.parts, foundPart{head: l.Head, end: l.Head, size: size, rate: l.Rate})
	case lineFragment:
		return f.fragment(l)
	case lineEnd:
		f.EndedAt, f.Reason, f.Skips, f.ended = l.Wall, l.Reason, l.Skips, true
	case lineTold:
		f.told = true
	}
	return true
}

func (f *found) fragment(l line) bool {
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
		p.marks.add(mark{at: l.At, offset: l.Offset})
	}
	return true
}

// validName says whether a file can be a part.
func validName(name string) bool {
	digits := 0
	for digits < len(name) && name[digits] >= '0' && name[digits] <= '9' {
		digits++
	}
	return digits > 0 && digits <= 3 && (name[digits:] == suffixMP4 || name[digits:] == suffixFLV)
}
