package hls

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

const listSuffix = "_stream.m3u8"

// Of the lines of a playlist.
const (
	tagSequence = "#EXT-X-MEDIA-SEQUENCE:"
	tagSegment  = "#EXTINF:"
	tagPart     = "#EXT-X-PART:"
	tagHint     = "#EXT-X-PRELOAD-HINT:"
	tagControl  = "#EXT-X-SERVER-CONTROL:"
	tagEnd      = "#EXT-X-ENDLIST"
	attrSkip    = ",CAN-SKIP-UNTIL="
)

// playlist is one version of a playlist: what is served, and how far it goes.
type playlist struct {
	body  []byte
	next  int    // number of the segment that is not complete
	parts int    // that this one has already
	hint  string // name of the part that is next
}

// asks says what to ask the library for, to get the version after this one.
func (p playlist) asks() string { return fmt.Sprintf("_HLS_msn=%d&_HLS_part=%d&", p.next, p.parts) }

// has says whether a segment, or a part of one, is in the playlist. A part below zero is the whole segment.
func (p playlist) has(segment, part int) bool {
	return segment < p.next || segment == p.next && part >= 0 && part < p.parts
}

// read takes a playlist of the library. Its numbers go on after those of earlier cuts; that it can be
// shortened on request is not said any more, since nobody here does it.
func read(text []byte, before, discontinuities int) playlist {
	var p playlist
	var out bytes.Buffer
	first, segments := 0, 0
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, tagSequence):
			first, _ = strconv.Atoi(strings.TrimSpace(line[len(tagSequence):]))
			first += before
			line = tagSequence + strconv.Itoa(first) + "\n"
			if discontinuities > 0 {
				line += "#EXT-X-DISCONTINUITY-SEQUENCE:" + strconv.Itoa(discontinuities) + "\n"
			}
		case strings.HasPrefix(line, tagSegment):
			segments++
			p.parts = 0
		case strings.HasPrefix(line, tagPart):
			p.parts++
		case strings.HasPrefix(line, tagHint):
			_, name, _ := strings.Cut(line, `URI="`)
			p.hint, _, _ = strings.Cut(name, `"`)
			p.hint, _, _ = strings.Cut(p.hint, "?")
		case strings.HasPrefix(line, tagControl):
			if at := strings.Index(line, attrSkip); at >= 0 {
				rest := line[at+1:]
				end := strings.IndexAny(rest, ",\n")
				line = line[:at] + rest[end:]
			}
		}
		out.WriteString(line)
	}
	p.body, p.next = out.Bytes(), first+segments
	return p
}

// ended is the playlist when nothing follows.
func (p playlist) ended() playlist {
	var out bytes.Buffer
	for line := range bytes.Lines(p.body) {
		if !bytes.HasPrefix(line, []byte(tagHint)) {
			out.Write(line)
		}
	}
	out.WriteString(tagEnd + "\n")
	p.body, p.hint = out.Bytes(), ""
	return p
}

// partNumber splits the name of a part, such as "ab12_video1_part7.mp4", into what it begins with and its
// number.
func partNumber(name string) (prefix string, number int, ok bool) {
	name, found := strings.CutSuffix(name, ".mp4")
	at := strings.LastIndex(name, "_part")
	if !found || at < 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(name[at+len("_part"):])
	return name[:at], number, err == nil && number >= 0
}
