package media

import (
	"slices"

	"roomlog/media/flv"
)

const (
	batchFrames = 64        // maximum number of frames per read
	batchBytes  = 256 << 10 // size in bytes after which a read adds no further frame
)

// cursor is the position of a player in a ring. It is guarded by the lock of the stream.
type cursor struct {
	// complete is set for a player that should miss no frame. Such a player starts at the key frame before the newest one.
	// The ring keeps the frames that it has not read, within its limits.
	complete bool

	next      uint64
	started   bool
	awaitsKey bool     // whether pictures are left out until a key frame
	headers   []*Frame // headers that the player received at the start or after a skip
	hasVideo  bool
	hasAudio  bool
	head      uint32 // time of the newest frame when the player started

	paused  bool    // whether the player wants nothing
	resumes bool    // whether the player was paused and has read nothing since
	muted   kindSet // the kinds that the player does not want
}

// start positions the cursor at the newest start point, or at the oldest recent frame if there is none.
func (c *cursor) start(r *ring) {
	switch {
	case c.complete && r.contains(r.previous):
		c.next, c.headers = r.previous.at, r.previous.headers
	case r.contains(r.last):
		c.next, c.headers = r.last.at, r.last.headers
	default:
		c.next, c.headers, c.awaitsKey = max(r.recent, r.first), r.headers, r.hasVideo
	}
	c.started = true
}

// behind reports whether the next frame of the cursor has expired. For a complete player it reports whether the ring has
// dropped the frame.
func (c *cursor) behind(r *ring) bool {
	oldest := r.recent
	if c.complete {
		oldest = r.base
	}
	return c.started && c.next < oldest
}

// resume ends a pause. It reports whether the player has missed a key frame and should skip to the newest one.
func (c *cursor) resume(r *ring) bool {
	resumes := c.resumes
	c.resumes = false
	return resumes && c.started && r.contains(r.last) && c.next <= r.last.at
}

// skip moves the cursor to the newest key frame and appends the headers of that key frame to dst, except the
// metadata.
func (c *cursor) skip(r *ring, dst []*Frame) []*Frame {
	if r.contains(r.last) {
		c.next, c.headers, c.awaitsKey = r.last.at, r.last.headers, false
	} else {
		c.next, c.headers, c.awaitsKey = max(r.recent, r.first), r.headers, r.hasVideo
	}
	for _, header := range c.headers {
		if header.info.Kind != flv.Script {
			dst = append(dst, header)
		}
	}
	return dst
}

// read appends the next frames to dst: at most batchFrames, and no further frame after batchBytes.
func (c *cursor) read(r *ring, dst []*Frame) []*Frame {
	for size := 0; c.next < r.end() && len(dst) < batchFrames && size < batchBytes; {
		frame := r.frames[c.next-r.base]
		c.next++
		if c.wants(frame) {
			size += len(frame.tag)
			dst = append(dst, frame)
		}
	}
	return dst
}

// wants reports whether the player needs a frame. It does not need a header that it already has, or a picture that it
// cannot decode.
func (c *cursor) wants(f *Frame) bool {
	switch {
	case f.tag == nil:
		return false
	case f.info.Header:
		return !slices.Contains(c.headers, f)
	case c.muted.has(f.info.Kind) && f.info.Coded:
		c.awaitsKey = c.awaitsKey || f.isCodedVideo()
		return false
	case f.info.Key:
		c.awaitsKey = false
	}
	return !c.awaitsKey || !f.isCodedVideo()
}

// kindSet is a set of the kinds video and audio.
type kindSet struct{ video, audio bool }

// add adds a kind.
func (k *kindSet) add(kind byte) {
	k.video = k.video || kind == flv.Video
	k.audio = k.audio || kind == flv.Audio
}

// has reports whether the set contains a kind.
func (k kindSet) has(kind byte) bool {
	return kind == flv.Video && k.video || kind == flv.Audio && k.audio
}
