package hls

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

const (
	listSuffix = "_stream.m3u8"
	gapFile    = "gap.mp4" // name of the file of gaps in playlists of gohlslib; there is no such file

	// The distances of draft-pantos-hls-rfc8216bis, sections 4.4.3.8 and B.1.
	holdBackParts  = 3 // PART-HOLD-BACK, in part target durations
	skipDurations  = 6 // CAN-SKIP-UNTIL, in target durations
	partsDurations = 3 // distance from the end of a playlist in which segments keep their parts, in target durations
)

// trackList holds the newest playlist of one track of a run, with the segment numbers of gohlslib. gohlslib drops the
// parts and the wall-clock time of a segment early; trackList keeps them.
type trackList struct {
	newest playlist.Media
	known  map[int]*playlist.MediaSegment // by segment number
}

// update replaces the playlist by a newer version. text is a playlist of gohlslib.
func (t *trackList) update(text []byte, token string) error {
	var list playlist.Media
	if err := list.Unmarshal(text); err != nil {
		return err
	}
	known := make(map[int]*playlist.MediaSegment, len(list.Segments))
	for i, segment := range list.Segments {
		number := list.MediaSequence + i
		if before := t.known[number]; before != nil {
			segment = before
		} else if segment.Gap {
			segment.URI = gapFile + "?" + TokenArg + "=" + token
		}
		known[number], list.Segments[i] = segment, segment
	}
	t.newest, t.known = list, known
	return nil
}

// next returns the number of the incomplete segment.
func (t *trackList) next() int { return t.newest.MediaSequence + len(t.newest.Segments) }

// nextQuery returns the query that requests the next version from gohlslib.
func (t *trackList) nextQuery() string {
	return "_HLS_msn=" + strconv.Itoa(t.next()) + "&_HLS_part=" + strconv.Itoa(len(t.newest.Parts)) + "&"
}

// longestPart returns the duration of the longest part.
func (t *trackList) longestPart() (longest time.Duration) {
	for _, segment := range t.newest.Segments {
		for _, part := range segment.Parts {
			longest = max(longest, part.Duration)
		}
	}
	for _, part := range t.newest.Parts {
		longest = max(longest, part.Duration)
	}
	return longest
}

// position is a place in a playlist: the number of parts of the incomplete segment. Later positions are greater.
type position struct{ segment, parts int }

func (p position) after(q position) bool {
	return p.segment > q.segment || p.segment == q.segment && p.parts > q.parts
}

// servedList is one version of a playlist as it is served.
type servedList struct {
	full  *document
	delta *document // without the oldest segments
	end   position
	hint  string // name of the next part, or of the part that would follow the end
	first int    // number of the first segment
	parts []int  // number of parts of each complete segment
}

// has reports whether the playlist contains a segment, or a part of one. A negative part means the whole segment. A part
// after the last one of a segment is the first part of the next segment.
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

// render returns the playlist of a track as it is served: with segment numbers and discontinuities that continue those of
// earlier runs, with durations that apply to all tracks, and with an end if the stream has ended.
func (p *presentation) render(t *trackList, ended bool) (servedList, error) {
	list := t.newest
	list.MediaSequence += p.segmentsBefore
	if p.runsBefore > 0 {
		list.DiscontinuitySequence = &p.runsBefore
	}
	list.TargetDuration = p.target
	l := servedList{end: position{list.MediaSequence + len(list.Segments), len(list.Parts)}, first: list.MediaSequence}
	for _, segment := range list.Segments {
		l.parts = append(l.parts, len(segment.Parts))
	}
	if list.ServerControl != nil { // low latency
		holdBack, skipUntil := holdBackParts*p.partTarget, skipDurations*time.Duration(p.target)*time.Second
		list.ServerControl = &playlist.MediaServerControl{CanBlockReload: true, PartHoldBack: &holdBack, CanSkipUntil: &skipUntil}
		list.PartInf = &playlist.MediaPartInf{PartTarget: p.partTarget}
	}
	if list.PreloadHint != nil {
		l.hint, _, _ = strings.Cut(list.PreloadHint.URI, "?")
	}
	if ended {
		list.PreloadHint, list.Endlist = nil, true
	}
	skipped := 0
	list.Segments, skipped = trim(list, time.Duration(p.target)*time.Second)
	text, err := list.Marshal()
	if err != nil {
		return l, err
	}
	l.full, l.delta = newDocument(text), newDocument(text)
	if skipped == 0 {
		return l, nil
	}
	list.Map, list.Skip, list.Segments = nil, &playlist.MediaSkip{SkippedSegments: skipped}, list.Segments[skipped:]
	if text, err = list.Marshal(); err != nil {
		return l, err
	}
	l.delta = newDocument(text)
	return l, nil
}

// trim returns the segments of a playlist without the parts that are too old to be useful, and the number of segments that
// a delta update leaves out.
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

// updateDurations raises the durations that playlists announce. They apply to all tracks, and do not decrease while the
// run is served.
func (p *presentation) updateDurations() {
	for _, t := range p.tracks {
		p.target = max(p.target, t.newest.TargetDuration)
		longest := t.longestPart().Seconds()
		p.partTarget = max(p.partTarget, time.Duration(math.Ceil(longest*1000))*time.Millisecond)
	}
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
