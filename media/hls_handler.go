package media

import (
	"bytes"
	"net/http"
	"strconv"
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
		a.fetch = true
		err := h.authorizePlay(r.Context(), &a, r.URL.RawQuery)
		var s *hlsSession
		if err == nil {
			s, err = h.open(r.Context(), a)
		}
		if err != nil {
			h.refusePlay(w, r, a.client, err)
			return
		}
		s.stream.muxer.Index(w, r, s.query())
	case strings.HasSuffix(file, ".m3u8"):
		if s, counted := h.find(w, r, key); s != nil {
			h.servePlaylist(counted, r, s, file)
		}
	default:
		s, restricted := h.stream(key, args.Get(hls.TokenArg)), h.isRestricted(key)
		if s != nil && restricted && !h.holds(key, args.Get(argSession)) {
			s = nil
		}
		switch {
		case s == nil:
			writeStatus(w, http.StatusForbidden)
		case restricted:
			s.muxer.File(uncached{counting(w, r, s.source)}, r, file)
		default:
			s.muxer.File(counting(w, r, s.source), r, file)
		}
	}
}

// servePlaylist serves the playlist of a track. If the stream is restricted, the references to files have the id of the play
// session.
func (h *hlsServer) servePlaylist(w http.ResponseWriter, r *http.Request, s *hlsSession, file string) {
	if !h.isRestricted(s.stream.key) {
		h.follow(s, file, s.stream.muxer.Playlist(w, r, file, s.query()))
		return
	}
	plain := r.Clone(r.Context())
	plain.Header.Del("Accept-Encoding") // a compressed playlist cannot be edited
	list := &bufferedList{header: w.Header(), status: http.StatusOK}
	h.follow(s, file, s.stream.muxer.Playlist(list, plain, file, s.query()))
	token := []byte(hls.TokenArg + "=" + s.stream.broadcast)
	text := bytes.ReplaceAll(list.body.Bytes(), token, append(token, "&"+s.query()...))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(list.status)
	_, _ = w.Write(text) // fails only if the client has disconnected
}

// holds reports whether a play session exists, and marks it as used.
func (h *hlsServer) holds(key, id string) bool {
	s, _, err := h.session(key, id)
	return s != nil && err == nil
}

// bufferedList stores a playlist.
type bufferedList struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (l *bufferedList) Header() http.Header         { return l.header }
func (l *bufferedList) WriteHeader(status int)      { l.status = status }
func (l *bufferedList) Write(b []byte) (int, error) { return l.body.Write(b) }

// uncached is a writer of a file that caches must not keep, because a player may lose the right to fetch it.
type uncached struct{ http.ResponseWriter }

func (u uncached) WriteHeader(status int) {
	u.Header().Set("Cache-Control", "no-store")
	u.ResponseWriter.WriteHeader(status)
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

// Write writes b and counts the bytes for the player.
func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.player.bytes.Add(uint64(n))
	return n, err
}
