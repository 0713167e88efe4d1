package media

import (
	"slices"

	"roomlog/media/flv"
)

const (
	ringSpan = 2000 // ms at least: of streams without picture, or with key frames all the time

	maxHeader  = 256 << 10 // bytes of a header that is kept apart
	maxHeaders = 16        // one for each kind and track, and the metadata
)

// ring is the newest frames of a stream: from the last key frame but one, so that whoever reads slowly
// has a group of pictures to fall behind, and two seconds at least, within its bounds.
type ring struct {
	mostFrames, mostBytes int

	frames    []*Frame // numbered from base on
	base      uint64
	bytes     int
	headers   []*Frame // the newest of each; never changed, only replaced
	last      joint
	previous  joint
	seesVideo bool
}

// joint is where a player can begin: a key frame, and the headers that were in force there.
type joint struct {
	at      uint64
	headers []*Frame
	known   bool
}

func (r *ring) end() uint64 { return r.base + uint64(len(r.frames)) }

func (r *ring) holds(j joint) bool { return j.known && j.at >= r.base }

// push appends a frame and lets go of those that are too old.
func (r *ring) push(f *Frame) {
	if f.info.Header {
		r.keep(f)
	}
	if f.info.Key {
		r.previous, r.last = r.last, joint{at: r.end(), headers: r.headers, known: true}
	}
	r.seesVideo = r.seesVideo || f.info.Kind == flv.Video
	r.frames = append(r.frames, f)
	r.bytes += len(f.tag)
	for len(r.frames) > 1 && r.old(f) {
		r.bytes -= len(r.frames[0].tag)
		r.frames[0] = nil
		r.frames = r.frames[1:]
		r.base++
	}
}

// old says whether the oldest frame is not needed any more, now that f has come.
func (r *ring) old(f *Frame) bool {
	switch {
	case len(r.frames) > r.mostFrames, r.bytes > r.mostBytes:
		return true
	case r.holds(r.previous) && r.base >= r.previous.at:
		return false
	case !r.holds(r.previous) && r.holds(r.last) && r.base >= r.last.at:
		return false
	case r.seesVideo && !r.holds(r.last):
		return false
	}
	age := int32(f.time - r.frames[0].time)
	return age > ringSpan || age < 0 || r.frames[0].info.Kind == flv.Script // which has no time of its own
}

// keep remembers a header in place of the one before it.
func (r *ring) keep(f *Frame) {
	if len(f.tag) > maxHeader {
		return
	}
	same := func(other *Frame) bool { return other.info.Kind == f.info.Kind && other.info.Track == f.info.Track }
	headers := slices.DeleteFunc(slices.Clone(r.headers), same)
	switch {
	case len(headers) >= maxHeaders:
		return
	case f.info.Kind == flv.Script:
		headers = slices.Insert(headers, 0, f)
	default:
		headers = append(headers, f)
	}
	r.headers = headers
}

// renew forgets where one could begin: what comes now is of another publisher. Those who are reading
// still find the frames that they have not read.
func (r *ring) renew() {
	r.headers, r.last, r.previous, r.seesVideo = nil, joint{}, joint{}, false
}
