package media

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"roomlog/media/hls"
)

// The values that a zero HLSConfig means.
const (
	// DefaultHLSIdleTimeout is how long a stream is cut for nobody, and how long a player may be silent before it
	// is forgotten: many times the interval at which players ask.
	DefaultHLSIdleTimeout = 30 * time.Second
	// DefaultHLSLinger is how long what was cut is still served when the stream has ended: players are some
	// seconds behind.
	DefaultHLSLinger = 15 * time.Second
	// DefaultHLSWriteTimeout is how long a player has to take a file.
	DefaultHLSWriteTimeout = 30 * time.Second
)

// HLSConfig says how HLS is cut and served. Its zero value is low latency.
type HLSConfig struct {
	// Plain leaves out low latency.
	NoLowLatency bool
	// Segment and Part are the least lengths; 0 means those of package hls.
	MinSegment, MinPart time.Duration
	// Idle, Linger and Write are patience: see their defaults.
	IdleTimeout, Linger, WriteTimeout time.Duration
}

func (c HLSConfig) withDefaults() HLSConfig {
	if c.IdleTimeout == 0 {
		c.IdleTimeout = DefaultHLSIdleTimeout
	}
	if c.Linger == 0 {
		c.Linger = DefaultHLSLinger
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = DefaultHLSWriteTimeout
	}
	return c
}

// The arguments that references carry: of playlists who plays, so that a sign is looked at once and may
// expire in the middle of a show; of files only which show it is, so that caches keep them once for all.
const (
	argSession = "session"
	argShow    = "show"
)

// hlsDoor serves HLS. A stream is cut from the first request on, until nobody asks any more.
type hlsDoor struct {
	*Server

	mu       sync.Mutex
	closed   bool
	byKey    map[string]*cutting
	byShow   map[string]*cutting
	sessions map[string]*hlsSession
}

// cutting is a stream that is being cut, or was a moment ago.
type cutting struct {
	key   string
	show  string // a token
	muxer *hls.Muxer
	from  *Player
	used  time.Time
	stop  chan struct{} // closed when nobody wants it any more
	once  sync.Once
}

// hlsSession is one player, as far as HLS has players.
type hlsSession struct {
	id   string
	of   *cutting
	seat *Player // its place among those who play
	back func()
	used time.Time
}

func newHLSDoor(s *Server) *hlsDoor {
	return &hlsDoor{Server: s, byKey: make(map[string]*cutting), byShow: make(map[string]*cutting), sessions: make(map[string]*hlsSession)}
}

// serve answers a request for a file of a stream.
func (d *hlsDoor) serve(w http.ResponseWriter, r *http.Request, key, file string) {
	_ = http.NewResponseController(w).SetWriteDeadline(d.cfg.Now().Add(d.cfg.HLS.WriteTimeout + hls.DefaultWaitTimeout))
	args := r.URL.Query()
	switch {
	case file == hls.IndexFile && args.Has(argSession):
		d.index(w, r, d.session(key, args.Get(argSession)))
	case file == hls.IndexFile:
		if a, ok := d.admit(w, r, key, HLS); ok {
			s, err := d.enter(a)
			if err != nil {
				a.back()
				d.refuse(r.Context(), "play", a.client, err)
				answer(w, statusOf(err))
				return
			}
			d.index(w, r, s)
		}
	case strings.HasSuffix(file, ".m3u8"):
		if s := d.session(key, args.Get(argSession)); s == nil {
			answer(w, http.StatusForbidden)
		} else {
			s.of.muxer.Playlist(&counted{w, s.seat}, r, file)
		}
	default:
		if c := d.cutting(key, args.Get(argShow)); c == nil {
			answer(w, http.StatusForbidden)
		} else {
			c.muxer.File(&counted{w, c.from}, r, file)
		}
	}
}

func (d *hlsDoor) index(w http.ResponseWriter, r *http.Request, s *hlsSession) {
	if s == nil {
		answer(w, http.StatusForbidden)
		return
	}
	s.of.muxer.Index(&counted{w, s.seat}, r, argSession+"="+s.id)
}

// counted counts what a player was sent.
type counted struct {
	http.ResponseWriter
	p *Player
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.p.bytes.Add(uint64(n))
	return n, err
}

// session finds the player that a playlist is for.
func (d *hlsDoor) session(key, id string) *hlsSession {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sessions[id]
	if s == nil || s.of.key != key {
		return nil
	}
	s.used = d.cfg.Now()
	s.of.used = s.used
	return s
}

// cutting finds the stream that a file is of.
func (d *hlsDoor) cutting(key, show string) *cutting {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.byShow[show]
	if c == nil || c.key != key {
		return nil
	}
	c.used = d.cfg.Now()
	return c
}
