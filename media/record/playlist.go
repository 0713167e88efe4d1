package record

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// PlaylistFile is the name of the HLS playlist of a recording. The handler renders it from the index.
const PlaylistFile = "index.m3u8"

const (
	minSegment     = 4 * 1000 // ms, after which a segment ends before the next key frame
	maxSegment     = 6 * 1000 // ms, after which it ends in any case
	segmentsOfPart = 100_000  // media sequence numbers that each deleted part stands for
)

// segment is a part of a media file that players load at once: one or more fragments.
type segment struct {
	line         // its first fragment
	end    int64 // bytes
	until  int64 // ms in the part
	file   string
	header int64 // bytes of the init segment
	first  bool  // the first segment of its part
}

// playlist collects the segments of a recording from the lines of its index. FLV parts have none, because HLS does not
// support FLV.
type playlist struct {
	segments []segment
	part     line
	begins   bool // the next fragment is the first of its part
	deleted  int  // parts before the first one
	known    bool // deleted is known
	ended    bool
}

func (p *playlist) add(l line) {
	switch l.Kind {
	case linePart:
		p.part, p.begins = l, true
		if number, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(l.File, suffixMP4), suffixFLV)); err == nil && !p.known {
			p.deleted, p.known = number-1, true
		}
	case lineFragment:
		if strings.HasSuffix(p.part.File, suffixMP4) {
			p.addFragment(l)
		}
	case lineEnd:
		p.ended = true
	}
}

func (p *playlist) addFragment(l line) {
	if n := len(p.segments); n > 0 && !p.begins {
		s := &p.segments[n-1]
		if length := s.until - s.At; (length < minSegment || !l.Key) && l.At+l.Length-s.At <= maxSegment {
			s.end, s.until = l.Offset+l.Size, l.At+l.Length
			return
		}
	}
	p.segments = append(p.segments, segment{line: l, end: l.Offset + l.Size, until: l.At + l.Length,
		file: p.part.File, header: p.part.Header - tableBytes, first: p.begins})
	p.begins = false
}

// complete returns the segments that will not grow any more.
func (p *playlist) complete() []segment {
	if n := len(p.segments); n > 0 && !p.ended && !p.begins {
		return p.segments[:n-1]
	}
	return p.segments
}

// render returns the playlist. The references get query as their query.
func (p *playlist) render(segments []segment, query string) []byte {
	target := int64(maxSegment)
	for _, s := range segments {
		target = max(target, s.until-s.At)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", int64(math.Ceil(float64(target)/1000)), p.deleted*segmentsOfPart)
	if p.deleted == 0 { // otherwise the beginning is deleted while the recording grows
		out.WriteString("#EXT-X-PLAYLIST-TYPE:EVENT\n")
	} else {
		fmt.Fprintf(&out, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", p.deleted)
	}
	for i, s := range segments {
		if s.first {
			if i > 0 {
				out.WriteString("#EXT-X-DISCONTINUITY\n")
			}
			fmt.Fprintf(&out, "#EXT-X-MAP:URI=\"%s?%s\",BYTERANGE=\"%d@0\"\n", s.file, query, s.header)
		}
		fmt.Fprintf(&out, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:%.3f,\n#EXT-X-BYTERANGE:%d@%d\n%s?%s\n",
			s.Wall.UTC().Format("2006-01-02T15:04:05.000Z"), float64(max(1, s.until-s.At))/1000, s.end-s.Offset, s.Offset, s.file, query)
	}
	if p.ended {
		out.WriteString("#EXT-X-ENDLIST\n")
	}
	return []byte(out.String())
}
