package hls

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

const listSuffix = "_stream.m3u8"

// The tags and attributes of playlists that this package reads.
const (
	tagSequence = "#EXT-X-MEDIA-SEQUENCE:"
	tagSegment  = "#EXTINF:"
	tagPart     = "#EXT-X-PART:"
	tagHint     = "#EXT-X-PRELOAD-HINT:"
	tagControl  = "#EXT-X-SERVER-CONTROL:"
	tagEnd      = "#EXT-X-ENDLIST"
	attrSkip    = ",CAN-SKIP-UNTIL="
)

// playlist is one version of a playlist as it is served.
type playlist struct {
	body  []byte
	next  int    // number of the segment that is incomplete
	parts int    // parts of that segment
	hint  string // name of the next part
}

// nextQuery returns the query that requests the next version from gohlslib.
func (p playlist) nextQuery() string {
	return fmt.Sprintf("_HLS_msn=%d&_HLS_part=%d&", p.next, p.parts)
}

// has reports whether the playlist contains a segment, or a part of one. A negative part means the whole segment.
func (p playlist) has(segment, part int) bool {
	return segment < p.next || segment == p.next && part >= 0 && part < p.parts
}

// parsePlaylist parses a playlist of gohlslib. It adds segmentsBefore, the number of segments of earlier runs, to its
// segment numbers, and the number of discontinuities. It removes the announcement of delta updates, which this
// package does not support.
func parsePlaylist(text []byte, segmentsBefore, discontinuities int) playlist {
	var p playlist
	var out bytes.Buffer
	first, segments := 0, 0
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, tagSequence):
			first, _ = strconv.Atoi(strings.TrimSpace(line[len(tagSequence):]))
			first += segmentsBefore
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

// ended returns the playlist of a stream that has ended.
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

// partNumber splits the name of a part, such as "ab12_video1_part7.mp4", into its prefix and its number.
func partNumber(name string) (prefix string, number int, ok bool) {
	name, found := strings.CutSuffix(name, ".mp4")
	at := strings.LastIndex(name, "_part")
	if !found || at < 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(name[at+len("_part"):])
	return name[:at], number, err == nil && number >= 0
}
