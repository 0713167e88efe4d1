package media

import (
	"slices"

	"roomlog/media/flv"
)

const (
	minRingSpan = 2000 // milliseconds of frames that are kept of streams without video or with very short groups of pictures

	maxHeader  = 256 << 10 // maximum size of a header in bytes
	maxHeaders = 16        // maximum number of headers: one per kind and track, and the metadata
)

// ring contains the newest frames of a stream: all frames since the key frame before the newest one, and at least those
// of minRingSpan, but never more than maxFrames or maxBytes. A slow player can therefore fall behind by a complete
// group of pictures. Older frames are kept only until the complete players have read them.
type ring struct {
	maxFrames, maxBytes int

	frames   []*Frame // frames in order; the first has the number base
	base     uint64
	recent   uint64 // number of the oldest frame that is not expired
	first    uint64 // number of the oldest frame with which a player may start
	bytes    int
	headers  []*Frame // newest header of each kind and track; the slice is replaced, never changed
	last     startPoint
	previous startPoint
	hasVideo bool // whether a picture was pushed; the first one is a key frame
}

// startPoint is a position at which a player can start: a key frame with its headers.
type startPoint struct {
	at      uint64
	headers []*Frame
	known   bool
}

// end returns the number of the next frame.
func (r *ring) end() uint64 { return r.base + uint64(len(r.frames)) }

// newest returns the time of the newest coded frame, or 0.
func (r *ring) newest() uint32 {
	for _, f := range slices.Backward(r.frames) {
		if f.info.Coded {
			return f.time
		}
	}
	return 0
}

// contains reports whether the frame of a start point has not expired.
func (r *ring) contains(p startPoint) bool { return p.known && p.at >= r.recent }

// push appends a frame and drops expired frames. unread is the number of the oldest frame that a complete player has not
// read.
func (r *ring) push(f *Frame, unread uint64) {
	if f.info.Header {
		r.storeHeader(f)
	}
	if f.info.Key {
		r.previous, r.last = r.last, startPoint{at: r.end(), headers: r.headers, known: true}
	}
	r.hasVideo = r.hasVideo || f.isCodedVideo()
	r.frames = append(r.frames, f)
	r.bytes += len(f.tag)
	for r.recent < r.end()-1 && r.oldestExpired(f) {
		r.recent++
	}
	for len(r.frames) > 1 && (r.base < min(r.recent, unread) || len(r.frames) > r.maxFrames || r.bytes > r.maxBytes) {
		r.bytes -= len(r.frames[0].tag)
		r.frames[0] = nil
		r.frames = r.frames[1:]
		r.base++
	}
	r.recent = max(r.recent, r.base)
}

// oldestExpired reports whether the frame with the number recent has expired, after newest was added.
func (r *ring) oldestExpired(newest *Frame) bool {
	switch {
	case r.contains(r.previous) && r.recent >= r.previous.at:
		return false
	case !r.contains(r.previous) && r.contains(r.last) && r.recent >= r.last.at:
		return false
	case r.hasVideo && !r.contains(r.last):
		return false
	}
	oldest := r.frames[r.recent-r.base]
	age := int32(newest.time - oldest.time)
	return age > minRingSpan || age < 0 || oldest.info.Kind == flv.Script // script data has no timestamp
}

// hasBetterHeader reports whether package flv cannot parse f, a sequence header, but can parse a header of the same codec
// and track in the ring.
func (r *ring) hasBetterHeader(f *Frame) bool {
	return slices.ContainsFunc(r.headers, f.isWorseThan)
}

// storeHeader stores a header and replaces the previous header of the same kind and track.
func (r *ring) storeHeader(f *Frame) {
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

// resetStartPoints deletes all start points and headers, because the next frames come from another publisher. Players
// can still read the frames before.
func (r *ring) resetStartPoints() {
	r.headers, r.last, r.previous, r.hasVideo = nil, startPoint{}, startPoint{}, false
}

// addToStartPoints adds a header to the start points that have no header of its track.
func (r *ring) addToStartPoints(header *Frame) {
	for _, p := range []*startPoint{&r.previous, &r.last} {
		same := func(other *Frame) bool {
			return other.info.Kind == header.info.Kind && other.info.Track == header.info.Track
		}
		if p.known && !slices.ContainsFunc(p.headers, same) {
			p.headers = append(slices.Clone(p.headers), header)
		}
	}
}

// withdraw removes the headers of a kind and returns them. Players that start later do not receive them, also those behind a key frame,
// and no pictures without a header. A header that media follows stays in its place.
func (r *ring) withdraw(kind byte) (headers []*Frame) {
	of := func(f *Frame) bool { return f.info.Kind == kind }
	for i, f := range slices.Backward(r.frames) {
		if of(f) && f.info.Coded {
			break
		}
		if of(f) && f.info.Header {
			r.bytes -= len(f.tag)
			r.frames[i] = &Frame{time: f.time} // readers of the header have it
		}
	}
	for _, f := range r.headers {
		if of(f) {
			headers = append(headers, f)
		}
	}
	for _, all := range []*[]*Frame{&r.headers, &r.previous.headers, &r.last.headers} {
		*all = slices.DeleteFunc(slices.Clone(*all), of)
	}
	if kind == flv.Video {
		r.last, r.previous, r.hasVideo, r.first = startPoint{}, startPoint{}, false, r.end()
	}
	return headers
}
