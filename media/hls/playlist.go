package hls

import (
	"strconv"
	"strings"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

const (
	listSuffix   = "_stream.m3u8"
	firstSegment = 7         // number of the first segment of a run; smaller numbers belong to gaps
	gapFile      = "gap.mp4" // name of the file of gaps; there is no such file

	// Distances of draft-pantos-hls-rfc8216bis, sections 4.4.3.8 and B.1.
	holdBackParts  = 3 // PART-HOLD-BACK, in part target durations
	skipDurations  = 6 // value of CAN-SKIP-UNTIL, in target durations
	partsDurations = 3 // distance from the end of a playlist in which segments keep their parts, in target durations
)

// next returns the number of the incomplete segment of a playlist.
func next(list playlist.Media) int { return list.MediaSequence + len(list.Segments) }

// longestPart returns the duration of the longest part of a playlist.
func longestPart(list playlist.Media) (longest time.Duration) {
	for _, segment := range list.Segments {
		for _, part := range segment.Parts {
			longest = max(longest, part.Duration)
		}
	}
	for _, part := range list.Parts {
		longest = max(longest, part.Duration)
	}
	return longest
}

// position is the end of a playlist: the number of the incomplete segment, and how many parts it has.
type position struct{ segment, parts int }

// servedList is one version of a playlist as it is served.
type servedList struct {
	full  *document
	delta *document // playlist without its oldest segments
	end   position
	hint  string // name of the next part, or of the part that would follow the end
	first int    // number of the first segment
	parts []int  // number of parts of each complete segment
}

// has reports whether the playlist contains the segment, or a part of the segment. A negative part means the whole
// segment. A part after the last one of a segment is the first part of the next segment.
func (l servedList) has(segment, part int) bool {
	for part >= 0 && segment >= l.first && segment < l.end.segment && part >= l.parts[segment-l.first] {
		segment, part = segment+1, 0
	}
	return segment < l.end.segment || segment == l.end.segment && part >= 0 && part < l.end.parts
}

// last returns the newest segment that has a part, and the number of that part. part is negative if the segment has no
// parts.
func (l servedList) last() (segment, part int) {
	if l.end.parts > 0 {
		return l.end.segment, l.end.parts - 1
	}
	return l.end.segment - 1, l.parts[len(l.parts)-1] - 1
}

// trim returns the segments of a playlist without the parts that are too old to be useful. It also returns the number
// of segments that a delta update leaves out.
func trim(list playlist.Media, target time.Duration) (segments []*playlist.MediaSegment, skipped int) {
	segments = make([]*playlist.MediaSegment, len(list.Segments))
	var distance time.Duration // from the end of a segment to the end of the playlist
	for _, part := range list.Parts {
		distance += part.Duration
	}
	for i := len(segments) - 1; i >= 0; i-- {
		segment := *list.Segments[i]
		if distance > partsDurations*target {
			segment.Parts = nil
		}
		if list.ServerControl != nil && distance > skipDurations*target {
			skipped++
		}
		distance += segment.Duration
		segments[i] = &segment
	}
	return segments, skipped
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
