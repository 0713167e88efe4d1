package record

import (
	"bufio"
	"errors"
	"io"
	"os"
	"sync"
)

const (
	maxPlaylists = 64      // maximum number of playlists in the cache
	maxSegments  = 200_000 // maximum number of segments of all playlists in the cache, about 20 MB
)

// playlistCache keeps the playlists of running recordings, so that a reload reads only the new lines of the index. It
// forgets the playlists that were not requested for the longest time. Its zero value is ready for use.
type playlistCache struct {
	mu       sync.Mutex
	cached   map[string]*cachedPlaylist
	requests uint64
	segments int // segments of all cached playlists
}

// cachedPlaylist is a playlist with the number of bytes of the index that it was read from.
type cachedPlaylist struct {
	mu       sync.Mutex
	playlist playlist
	size     int64

	requested uint64 // value of playlistCache.requests at the newest request; guarded by playlistCache.mu
	segments  int    // number of segments of the playlist that playlistCache.segments includes; guarded by playlistCache.mu
}

// read returns the complete segments of a recording. index is its index, which may be growing.
func (c *playlistCache) read(name string, index *os.File) (playlist, error) {
	cached := c.get(name)
	cached.mu.Lock()
	err := cached.update(index)
	segments, complete := len(cached.playlist.segments), cached.playlist.complete()
	cached.mu.Unlock()
	if err != nil || complete.ended {
		segments = 0
	}
	c.keep(name, cached, segments)
	return complete, err
}

// get returns the cached playlist of a recording, or a new one.
func (c *playlistCache) get(name string) *cachedPlaylist {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cached := c.cached[name]; cached != nil {
		return cached
	}
	return &cachedPlaylist{}
}

// keep stores a playlist that has a number of segments; without segments it forgets the playlist. Then it forgets other
// playlists until the cache is within its bounds.
func (c *playlistCache) keep(name string, p *cachedPlaylist, segments int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(name)
	if segments == 0 || segments > maxSegments {
		return
	}
	for len(c.cached) >= maxPlaylists || c.segments+segments > maxSegments {
		c.forget(c.oldest())
	}
	if c.cached == nil {
		c.cached = make(map[string]*cachedPlaylist)
	}
	c.requests++
	p.requested, p.segments = c.requests, segments
	c.cached[name], c.segments = p, c.segments+segments
}

// oldest returns the name of the playlist that was not requested for the longest time. The caller holds the lock.
func (c *playlistCache) oldest() (name string) {
	first := c.requests + 1
	for n, p := range c.cached {
		if p.requested < first {
			name, first = n, p.requested
		}
	}
	return name
}

// forget removes a playlist. The caller holds the lock.
func (c *playlistCache) forget(name string) {
	if p := c.cached[name]; p != nil {
		c.segments -= p.segments
		delete(c.cached, name)
	}
}

// update reads the lines of the index that were added since the last update. If a part was deleted since then, the
// index is another file, and update reads all of it.
func (p *cachedPlaylist) update(index *os.File) error {
	parts, err := removedParts(index)
	if err != nil {
		return err
	}
	if parts != p.playlist.removed.Parts {
		p.playlist, p.size = playlist{}, 0
	}
	n, err := eachLine(io.NewSectionReader(index, p.size, 1<<62), func(l line) bool {
		p.playlist.add(l)
		return true
	})
	p.size += n
	return err
}

// removedParts returns the number of deleted parts, which the second line of an index contains.
func removedParts(index *os.File) (parts int64, err error) {
	n := 0
	_, err = eachLine(io.NewSectionReader(index, 0, 2*maxLine), func(l line) bool {
		n++
		parts = l.Parts
		return n < 2
	})
	return parts, err
}

// eachLine calls do with each complete line until do returns false, or up to the first malformed line. It returns the
// number of bytes of these lines.
func eachLine(index io.Reader, do func(line) bool) (size int64, err error) {
	lines := bufio.NewReader(index)
	for {
		b, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return size, nil // the rest is being written
		}
		if err != nil {
			return size, err
		}
		l, err := parseLine(b)
		complete := err == nil
		if complete {
			size += int64(len(b))
		}
		if !complete || !do(l) {
			return size, nil
		}
	}
}
