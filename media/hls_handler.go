package media

import (
	"net/http"
	"strings"

	"roomlog/media/hls"
)

// argSession is the query argument of playlists that carries the session id. The sign is checked only when the
// session is created, so that it may expire while the player plays. The addresses of files have only hls.TokenArg, so
// that caches can keep one copy for all players.
const argSession = "session"

// serve handles a request for a playlist or file of a stream.
func (h *hlsServer) serve(w http.ResponseWriter, r *http.Request, key, file string) {
	args := r.URL.Query()
	switch {
	case file == hls.IndexFile && args.Has(argSession):
		h.serveIndex(w, r, h.session(key, args.Get(argSession)))
	case file == hls.IndexFile:
		if a, ok := h.admit(w, r, key, HLS); ok {
			s, err := h.open(a)
			if err != nil {
				a.release()
				h.countRefusal(r.Context(), "play", a.client, err)
				writeStatus(w, statusOf(err))
				return
			}
			h.serveIndex(w, r, s)
		}
	case strings.HasSuffix(file, ".m3u8"):
		if s := h.session(key, args.Get(argSession)); s == nil {
			writeStatus(w, http.StatusForbidden)
		} else {
			s.stream.muxer.Playlist(&countingWriter{w, s.player}, r, file)
		}
	default:
		if s := h.stream(key, args.Get(hls.TokenArg)); s == nil {
			writeStatus(w, http.StatusForbidden)
		} else {
			s.muxer.File(&countingWriter{w, s.source}, r, file)
		}
	}
}

func (h *hlsServer) serveIndex(w http.ResponseWriter, r *http.Request, s *hlsSession) {
	if s == nil {
		writeStatus(w, http.StatusForbidden)
		return
	}
	s.stream.muxer.Index(&countingWriter{w, s.player}, r, argSession+"="+s.id)
}

// countingWriter adds the bytes of a response to the counter of a player.
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
