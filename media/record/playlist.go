package record

import (
	"fmt"
	"strings"
	"time"
)

// PlaylistFile is the name of the HLS playlist of a recording. The handler renders it from the index.
const PlaylistFile = "index.m3u8"

const (
	minSegment     = 4 * 1000  // in ms; a segment of this length ends before the next key frame
	maxSegment     = 6 * 1000  // in ms; a segment of this length ends before the next fragment
	targetDuration = 10 * 1000 // in ms; the target duration of every playlist, which must not change (RFC 8216, section 6.2.1)
)

// segment is a part of a media file that players load at once: one or more fragments.
type segment struct {
	wall          time.Time
	offset, end   int64 // range in the file in bytes
	at, until     int64 // beginning and end in the part in ms
	part          *segmentedPart
	first         bool // whether the segment is the first one of its part
	discontinuity bool // whether its time does not continue the time of the segment before
}

// segmentedPart is a media file with segments.
type segmentedPart struct {
	file string
	init int64 // size of the init segment in bytes
}

// duration returns the duration of the segment in the playlist in ms. A pause of the broadcast may be longer than the
// target duration: then the duration is shortened, and the next segment begins with a discontinuity.
func (s segment) duration() int64 { return min(max(1, s.until-s.at), targetDuration) }

// playlist collects the segments of a recording from the lines of its index. FLV parts have none, because HLS does not
// support FLV.
type playlist struct {
	removed  removed
	segments []segment
	part     *segmentedPart // nil in an FLV part
	begins   bool           // whether the next fragment is the first of its part
	ended    bool
}

func (p *playlist) add(l line) {
	switch l.Kind {
	case lineRemoved:
		p.removed = l.removed
	case linePart:
		p.part, p.begins = nil, true
		if strings.HasSuffix(l.File, suffixMP4) {
			p.part = &segmentedPart{l.File, l.Header - tableBytes}
		}
	case lineFragment:
		if p.part != nil {
			p.addFragment(l)
		}
	case lineEnd:
		p.ended = true
	}
}

func (p *playlist) addFragment(l line) {
	end, until := l.Offset+l.Size, l.At+l.Length
	n := len(p.segments)
	if n > 0 && !p.begins {
		s := &p.segments[n-1]
		if length := s.until - s.at; (length < minSegment || !l.Key) && until-s.at <= maxSegment {
			s.end, s.until = end, until
			return
		}
	}
	shortened := n > 0 && p.segments[n-1].until-p.segments[n-1].at > targetDuration
	p.segments = append(p.segments, segment{wall: l.Wall, offset: l.Offset, end: end, at: l.At, until: until,
		part: p.part, first: p.begins, discontinuity: p.begins || shortened})
	p.begins = false
}

// removeAll returns what is removed in total when the part with all segments of p is deleted.
func (p *playlist) removeAll() removed {
	r := p.removed
	r.Parts++
	for _, s := range p.segments {
		r.Segments++
		if s.discontinuity {
			r.Discontinuities++
		}
	}
	return r
}

// complete returns the playlist with the segments that will not grow any more. They do not change when lines are added
// to p.
func (p *playlist) complete() playlist {
	done := *p
	if n := len(p.segments); n > 0 && !p.ended && !p.begins {
		done.segments = p.segments[:n-1]
	}
	return done
}

// render returns the playlist. The references have the query string query. If keeps is true, the recording never
// loses its oldest segments.
func (p *playlist) render(keeps bool, query string) []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n",
		targetDuration/1000, p.removed.Segments, p.removed.Discontinuities)
	if keeps {
		out.WriteString("#EXT-X-PLAYLIST-TYPE:EVENT\n")
	}
	out.WriteString("#EXT-X-START:TIME-OFFSET=0\n") // without a type, players would start near the end
	for i, s := range p.segments {
		if s.discontinuity && i > 0 {
			out.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if s.first {
			fmt.Fprintf(&out, "#EXT-X-MAP:URI=\"%s?%s\",BYTERANGE=\"%d@0\"\n", s.part.file, query, s.part.init)
		}
		fmt.Fprintf(&out, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:%.3f,\n#EXT-X-BYTERANGE:%d@%d\n%s?%s\n",
			s.wall.UTC().Format("2006-01-02T15:04:05.000Z"), float64(s.duration())/1000, s.end-s.offset, s.offset, s.part.file, query)
	}
	if p.ended {
		out.WriteString("#EXT-X-ENDLIST\n")
	}
	return []byte(out.String())
}
