package hls

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

const minPlainSegments = 2 // minimum number of segments in a playlist without low latency

// presentation holds the playlists of one run of the segmenter.
type presentation struct {
	run       *segmenter
	plain     bool                      // whether the playlists are served without low latency
	tracks    map[string]playlist.Media // playlists of the run, with its segment numbers
	playlists map[string]servedList     // playlists as they are served

	target     int           // target duration in seconds
	partTarget time.Duration // part target duration

	bandwidth, averageBandwidth int // sums of the highest and of the average bit rates of the tracks (RFC 8216, section 4.3.4.2), in bits per second

	segmentsBefore int // segments of earlier runs
	runsBefore     int
}

// render returns the playlist of a track as it is served. Its segment numbers and discontinuities continue those of earlier
// runs, and its durations apply to all tracks. If ended is true, it has EXT-X-ENDLIST.
func (p *presentation) render(list playlist.Media, ended bool) (servedList, error) {
	list.MediaSequence += p.segmentsBefore
	if p.runsBefore > 0 {
		list.DiscontinuitySequence = &p.runsBefore
	}
	list.TargetDuration = p.target
	if p.plain {
		list = withoutLowLatency(list)
	}
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
	segments, skipped := trim(list, time.Duration(p.target)*time.Second)
	list.Segments = segments
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

// withoutLowLatency returns a playlist without partial segments and without the gaps before the first segment.
func withoutLowLatency(list playlist.Media) playlist.Media {
	list.ServerControl, list.PartInf, list.PreloadHint, list.Parts = nil, nil, nil, nil
	var segments []*playlist.MediaSegment
	for _, segment := range list.Segments {
		if segment.Gap {
			list.MediaSequence++
			continue
		}
		plain := *segment
		plain.Parts = nil
		segments = append(segments, &plain)
	}
	list.Segments = segments
	return list
}

// mayBeServed reports whether the run has enough segments for a player to begin. If the stream has ended, one is enough.
func (p *presentation) mayBeServed(ended bool) bool {
	for _, list := range p.tracks {
		complete := next(list) - firstSegment
		if complete < 1 || p.plain && !ended && complete < minPlainSegments {
			return false
		}
	}
	return true
}

// updateDurations raises the durations that playlists announce. They apply to all tracks, and do not decrease while the
// run is served.
func (p *presentation) updateDurations() {
	for _, list := range p.tracks {
		p.target = max(p.target, list.TargetDuration)
		longest := longestPart(list).Seconds()
		p.partTarget = max(p.partTarget, time.Duration(math.Ceil(longest*1000))*time.Millisecond)
	}
}

// reports returns the rendition reports of the playlist name: one line for each playlist of another track. The caller
// holds the lock of the muxer.
func (p *presentation) reports(name, query string) string {
	var lines strings.Builder
	for _, other := range slices.Sorted(maps.Keys(p.playlists)) {
		if other == name {
			continue
		}
		segment, part := p.playlists[other].last()
		fmt.Fprintf(&lines, "#EXT-X-RENDITION-REPORT:URI=\"%s?%s\",LAST-MSN=%d", other, query, segment)
		if part >= 0 {
			fmt.Fprintf(&lines, ",LAST-PART=%d", part)
		}
		lines.WriteByte('\n')
	}
	return lines.String()
}
