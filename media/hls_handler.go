package media

import (
	"net/http"
	"strings"

	"roomlog/media/hls"
)

// argSession is the query parameter of playlists with the id of the play session. The sign is checked only when the
// play session is created, so it may expire during playback. The URLs of files have only hls.TokenArg, so that caches
// can serve one copy to all players.
const argSession = "session"

// serve handles a request for a playlist or file of a stream.
func (h *hlsServer) serve(w http.ResponseWriter, r *http.Request, key, file string) {
	args := r.URL.Query()
	switch {
	case file == hls.IndexFile && args.Has(argSession):
		if s, counted := h.find(w, r, key); s != nil {
			s.stream.muxer.Index(counted, r, s.query())
		}
	case file == hls.IndexFile:
		a := h.newAdmission(r, key, HLS)
		err := h.authorizePlay(r.Context(), &a, r.URL.RawQuery)
		var s *hlsSession
		if err == nil {
			s, err = h.open(a)
		}
		if err != nil {
			h.refusePlay(w, r, a.client, err)
			return
		}
		s.stream.muxer.Index(w, r, s.query())
	case strings.HasSuffix(file, ".m3u8"):
		if s, counted := h.find(w, r, key); s != nil {
			h.follow(s, file, s.stream.muxer.Playlist(counted, r, file, s.query()))
		}
	default:
		if s := h.stream(key, args.Get(hls.TokenArg)); s == nil {
			writeStatus(w, http.StatusForbidden)
		} else {
			s.muxer.File(counting(w, r, s.source), r, file)
		}
	}
}

// find returns the play session of a request, and a writer that counts the bytes of the response. If there is no play
// session, or it may not play, find writes the response and returns nil.
func (h *hlsServer) find(w http.ResponseWriter, r *http.Request, key string) (*hlsSession, http.ResponseWriter) {
	s, player, err := h.session(key, r.URL.Query().Get(argSession))
	switch {
	case err != nil:
		h.refusePlay(w, r, Client{Address: h.cfg.Address(r), Protocol: HLS}, err)
	case s == nil:
		writeStatus(w, http.StatusForbidden)
	}
	return s, counting(w, r, player)
}

// query returns the query for the playlists of a play session.
func (s *hlsSession) query() string { return argSession + "=" + s.id }

// counting returns a writer that adds the bytes of a response to the counter of a player. player may be nil.
func counting(w http.ResponseWriter, r *http.Request, player *Player) http.ResponseWriter {
	if player == nil || r.Method == http.MethodHead {
		return w
	}
	return &countingWriter{w, player}
}

type countingWriter struct {
	http.ResponseWriter
	player *Player
}

// Write writes b.
func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.player.bytes.Add(uint64(n))
	return n, err
}
