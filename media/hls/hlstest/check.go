package hlstest

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Segment is a media segment of a playlist.
type Segment struct {
	URI      string
	Range    string  // EXT-X-BYTERANGE
	Duration float64 // duration in seconds
	Time     string
	Gap      bool
	Sequence int // discontinuity sequence number
	Parts    []Part
}

// Part is a partial segment of a playlist, as the playlist describes it.
type Part struct {
	URI         string
	Duration    float64 // duration in seconds
	Independent bool
}

// List is a parsed playlist.
type List struct {
	Version, Target  int
	Type             string // EXT-X-PLAYLIST-TYPE
	Start            string // attributes of EXT-X-START
	Sequence, Before int    // EXT-X-MEDIA-SEQUENCE, EXT-X-DISCONTINUITY-SEQUENCE
	PartTarget       float64
	PartHoldBack     float64
	SkipUntil        float64
	CanBlock, Ended  bool
	Map              string
	Skipped          int
	Segments         []Segment
	Parts            []Part // parts of the incomplete segment
	Hints            []string
	Reports          []string
}

// Next returns the number of the incomplete segment.
func (l List) Next() int { return l.Sequence + len(l.Segments) }

var attribute = regexp.MustCompile(`([A-Z-]+)=("[^"]*"|[^",]+)`)

func attributes(text string) map[string]string {
	all := make(map[string]string)
	for _, found := range attribute.FindAllStringSubmatch(text, -1) {
		all[found[1]] = strings.Trim(found[2], `"`)
	}
	return all
}

func number(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return n
}

// Parse parses a playlist.
func Parse(text string) (l List, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "#EXTM3U" {
		return l, fmt.Errorf("the first line is %q", lines[0])
	}
	var next Segment
	discontinuities := 0
	for _, line := range lines[1:] {
		tag, value, _ := strings.Cut(line, ":")
		a := attributes(value)
		switch tag {
		case "#EXT-X-VERSION":
			l.Version, err = strconv.Atoi(value)
		case "#EXT-X-TARGETDURATION":
			l.Target, err = strconv.Atoi(value)
		case "#EXT-X-MEDIA-SEQUENCE":
			l.Sequence, err = strconv.Atoi(value)
		case "#EXT-X-DISCONTINUITY-SEQUENCE":
			l.Before, err = strconv.Atoi(value)
		case "#EXT-X-SERVER-CONTROL":
			l.CanBlock, l.PartHoldBack, l.SkipUntil = a["CAN-BLOCK-RELOAD"] == "YES", number(a["PART-HOLD-BACK"]), number(a["CAN-SKIP-UNTIL"])
		case "#EXT-X-PART-INF":
			l.PartTarget = number(a["PART-TARGET"])
		case "#EXT-X-MAP":
			l.Map = a["URI"]
		case "#EXT-X-PLAYLIST-TYPE":
			l.Type = value
		case "#EXT-X-START":
			l.Start = value
		case "#EXT-X-DISCONTINUITY":
			discontinuities++
		case "#EXT-X-BYTERANGE":
			next.Range = value
		case "#EXT-X-SKIP":
			l.Skipped, err = strconv.Atoi(a["SKIPPED-SEGMENTS"])
		case "#EXT-X-GAP":
			next.Gap = true
		case "#EXT-X-PROGRAM-DATE-TIME":
			next.Time = value
		case "#EXT-X-PART":
			next.Parts = append(next.Parts, Part{URI: a["URI"], Duration: number(a["DURATION"]), Independent: a["INDEPENDENT"] == "YES"})
		case "#EXTINF":
			next.Duration = number(strings.TrimSuffix(value, ","))
		case "#EXT-X-PRELOAD-HINT":
			if a["TYPE"] == "PART" {
				l.Hints = append(l.Hints, a["URI"])
			}
		case "#EXT-X-RENDITION-REPORT":
			l.Reports = append(l.Reports, value)
		case "#EXT-X-ENDLIST":
			l.Ended = true
		default:
			if strings.HasPrefix(line, "#") {
				return l, fmt.Errorf("unexpected line %q", line)
			}
			next.URI, next.Sequence = line, l.Before+discontinuities
			l.Segments = append(l.Segments, next)
			next = Segment{}
		}
		if err != nil {
			return l, fmt.Errorf("line %q: %w", line, err)
		}
	}
	l.Parts = next.Parts
	return l, nil
}

// Checker checks the versions of one playlist in the order in which they were received.
type Checker struct {
	// Renditions is the number of other renditions, each of which needs a report.
	Renditions int
	// Plain is true for a playlist of RFC 8216 without low latency.
	Plain bool

	Last List // the newest version, with the segments that a delta update has left out
	any  bool
}

// Add checks the next version of the playlist, which may be a delta update.
func (c *Checker) Add(text string) error {
	l, err := Parse(text)
	if err != nil {
		return err
	}
	if err := c.merge(&l); err != nil {
		return fmt.Errorf("%w in:\n%s", err, text)
	}
	checks := []func(List) error{c.header, c.durations, c.parts, c.live, c.change}
	if c.Plain {
		checks = []func(List) error{c.durations, c.change, c.numbers}
	}
	for _, check := range checks {
		if err := check(l); err != nil {
			return fmt.Errorf("%w in:\n%s", err, text)
		}
	}
	c.Last, c.any = l, true
	return nil
}

// merge adds the segments that a delta update leaves out (section 6.2.5.1).
func (c *Checker) merge(l *List) error {
	if l.Skipped == 0 {
		return nil
	}
	from := l.Sequence - c.Last.Sequence
	switch {
	case !c.any || from < 0 || from+l.Skipped > len(c.Last.Segments):
		return fmt.Errorf("the update skips segments that the player does not know")
	case l.Version < 9:
		return fmt.Errorf("EXT-X-SKIP in version %d", l.Version)
	case l.Map != "":
		return fmt.Errorf("EXT-X-MAP of segments that are skipped")
	}
	var newer float64
	for _, s := range l.Segments {
		newer += s.Duration
	}
	for _, p := range l.Parts {
		newer += p.Duration
	}
	if newer < l.SkipUntil {
		return fmt.Errorf("the update skips segments inside the skip boundary: only %.3f s are listed", newer)
	}
	l.Segments = append(append([]Segment(nil), c.Last.Segments[from:from+l.Skipped]...), l.Segments...)
	l.Map = c.Last.Map
	return nil
}

func (c *Checker) header(l List) error {
	switch {
	case l.Version < 6:
		return fmt.Errorf("EXT-X-MAP in version %d", l.Version)
	case l.Map == "":
		return fmt.Errorf("no EXT-X-MAP")
	case !l.CanBlock:
		return fmt.Errorf("no CAN-BLOCK-RELOAD")
	case !(l.PartTarget > 0):
		return fmt.Errorf("no PART-TARGET")
	case !(l.PartHoldBack >= 3*l.PartTarget-1e-6):
		return fmt.Errorf("PART-HOLD-BACK %.5f is less than three parts", l.PartHoldBack)
	case !(l.SkipUntil >= 6*float64(l.Target)):
		return fmt.Errorf("CAN-SKIP-UNTIL %.5f is less than six target durations", l.SkipUntil)
	}
	return nil
}

// durations checks the durations of segments and parts (sections 4.4.3.1, 4.4.4.9 and 4.4.3.7).
func (c *Checker) durations(l List) error {
	for i, s := range l.Segments {
		if math.Round(s.Duration) > float64(l.Target) {
			return fmt.Errorf("segment %d lasts %.5f s, longer than the target duration", l.Sequence+i, s.Duration)
		}
		if len(s.Parts) == 0 {
			continue
		}
		var sum float64
		for j, p := range s.Parts {
			sum += p.Duration
			if j < len(s.Parts)-1 && p.Duration < 0.85*l.PartTarget {
				return fmt.Errorf("part %d of segment %d lasts %.5f s, less than 85 %% of PART-TARGET", j, l.Sequence+i, p.Duration)
			}
		}
		if math.Abs(sum-s.Duration) > 0.001 {
			return fmt.Errorf("segment %d lasts %.5f s, its parts %.5f s", l.Sequence+i, s.Duration, sum)
		}
	}
	all := append([]Segment(nil), l.Segments...)
	for i, s := range append(all, Segment{Parts: l.Parts}) {
		for j, p := range s.Parts {
			if p.Duration > l.PartTarget+1e-6 {
				return fmt.Errorf("part %d of segment %d lasts %.5f s, longer than PART-TARGET", j, l.Sequence+i, p.Duration)
			}
		}
	}
	return nil
}

// parts checks that the parts near the end are listed (section 6.2.2), and the wall-clock times.
func (c *Checker) parts(l List) error {
	var distance float64
	for _, p := range l.Parts {
		distance += p.Duration
	}
	for i := len(l.Segments) - 1; i >= 0; i-- {
		s := l.Segments[i]
		if s.Gap {
			continue
		}
		if distance <= 3*float64(l.Target) && len(s.Parts) == 0 {
			return fmt.Errorf("segment %d has no parts, %.3f s from the end", l.Sequence+i, distance)
		}
		distance += s.Duration
		at, err := time.Parse("2006-01-02T15:04:05.999Z07:00", s.Time)
		if err != nil {
			return fmt.Errorf("segment %d has no EXT-X-PROGRAM-DATE-TIME", l.Sequence+i)
		}
		if i+1 < len(l.Segments) && !l.Segments[i+1].Gap {
			next, _ := time.Parse("2006-01-02T15:04:05.999Z07:00", l.Segments[i+1].Time)
			if d := next.Sub(at).Seconds() - s.Duration; math.Abs(d) > 0.1 {
				return fmt.Errorf("the time after segment %d is wrong by %.3f s", l.Sequence+i, d)
			}
		}
	}
	return nil
}

// live checks the tags of a playlist that has not ended (section B.1).
func (c *Checker) live(l List) error {
	if l.Ended {
		if len(l.Hints) > 0 {
			return fmt.Errorf("a hint after the end")
		}
		return nil
	}
	if len(l.Hints) != 1 {
		return fmt.Errorf("%d preload hints for parts", len(l.Hints))
	}
	if len(l.Reports) != c.Renditions {
		return fmt.Errorf("%d rendition reports, %d other renditions", len(l.Reports), c.Renditions)
	}
	for _, report := range l.Reports {
		a := attributes(report)
		segment, part := number(a["LAST-MSN"]), number(a["LAST-PART"])
		if a["URI"] == "" || strings.Contains(a["URI"], ":") || !(part >= 0) || math.Abs(segment-float64(l.Next())) > 2 {
			return fmt.Errorf("rendition report %q of a playlist with %d segments", report, l.Next())
		}
	}
	return nil
}

// change checks what may differ from the version before (section 6.2.1).
func (c *Checker) change(l List) error {
	before := c.Last
	if !c.any || !c.Plain && l.Before != before.Before {
		return nil
	}
	switch {
	case l.Type != before.Type:
		return fmt.Errorf("the type has changed from %q", before.Type)
	case l.Type != "" && l.Sequence != before.Sequence:
		return fmt.Errorf("a playlist of type %s has lost segments", l.Type)
	case l.Target != before.Target:
		return fmt.Errorf("the target duration has changed from %d", before.Target)
	case l.Sequence < before.Sequence || l.Next() < before.Next():
		return fmt.Errorf("older than the version before")
	case before.Ended && !l.Ended:
		return fmt.Errorf("the playlist had ended")
	}
	for i, s := range before.Segments {
		at := before.Sequence + i - l.Sequence
		if at < 0 {
			continue
		}
		now := l.Segments[at]
		if now.URI != s.URI || now.Range != s.Range || now.Sequence != s.Sequence || now.Duration != s.Duration || now.Time != s.Time || now.Gap != s.Gap {
			return fmt.Errorf("segment %d was %+v", before.Sequence+i, s)
		}
	}
	started := l.Parts
	if at := before.Next() - l.Sequence; at >= 0 && at < len(l.Segments) {
		started = l.Segments[at].Parts
	}
	for i, p := range before.Parts {
		if i >= len(started) || started[i] != p {
			return fmt.Errorf("part %d of segment %d was %+v", i, before.Next(), p)
		}
	}
	if len(started) > len(before.Parts) && len(before.Hints) > 0 && started[len(before.Parts)].URI != before.Hints[0] {
		return fmt.Errorf("the hint before was %q", before.Hints[0])
	}
	return nil
}

// numbers checks that no segment has another media sequence number than before (section 6.2.2).
func (c *Checker) numbers(l List) error {
	before := make(map[[2]string]int)
	for i, s := range c.Last.Segments {
		before[[2]string{s.URI, s.Range}] = c.Last.Sequence + i
	}
	for i, s := range l.Segments {
		if number, known := before[[2]string{s.URI, s.Range}]; known && number != l.Sequence+i {
			return fmt.Errorf("segment %d was number %d before", l.Sequence+i, number)
		}
	}
	return nil
}
