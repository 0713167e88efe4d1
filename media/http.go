package media

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	flvSuffix  = ".flv"
	retryAfter = "5" // seconds, for who comes when there is no room
	preflight  = "86400"
)

// ServeHTTP gives out streams: /live/KEY.flv over HTTP and WebSocket, /live/KEY/index.m3u8 and what it
// refers to. A player that may not play gets 403 with an empty body; one that may is held, without a byte,
// until there is something to play. A body that does not come is not waited for. Connections are taken from
// the HTTP server, so that its timeouts end nothing but requests; it should have a ReadHeaderTimeout.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", s.cfg.AllowOrigin)
	if r.ContentLength != 0 { // who plays sends nothing, but the HTTP server would wait for it
		_ = http.NewResponseController(w).SetReadDeadline(s.cfg.Now().Add(s.cfg.RTMP.ControlTimeout))
	}
	if r.Method == http.MethodOptions {
		allow(w, r)
		return
	}
	path, found := strings.CutPrefix(r.URL.Path, "/"+App+"/")
	key, file, isFile := strings.Cut(path, "/")
	if !isFile {
		key, isFile = strings.CutSuffix(path, flvSuffix)
	}
	switch {
	case !found || !isFile || !ValidKey(key):
		answer(w, http.StatusNotFound)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", "GET, OPTIONS")
		answer(w, http.StatusMethodNotAllowed)
	case file != "":
		s.hls.serve(w, r, key, file)
	default:
		s.serveFLV(w, r, key)
	}
}

// allow answers what browsers ask before they ask.
func allow(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, OPTIONS")
	if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
		h.Set("Access-Control-Allow-Headers", wanted)
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	h.Set("Access-Control-Max-Age", preflight)
	w.WriteHeader(http.StatusNoContent)
}

// answer answers with a status and nothing else.
func answer(w http.ResponseWriter, status int) {
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// statusOf is how a refusal reads in HTTP.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, errOffAir):
		return http.StatusNotFound
	}
	return http.StatusForbidden
}

// admission is a player that the gate has let in.
type admission struct {
	client Client
	key    string
	asked  time.Time
	back   func() // gives its seat back
}

// admit asks the gate, or answers the request with a refusal.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, key string, protocol Protocol) (admission, bool) {
	a := admission{client: Client{ID: newID(), Address: s.cfg.Address(r), Protocol: protocol}, key: key, asked: s.cfg.Now()}
	err := s.ask(r.Context(), &a, r.URL.RawQuery)
	if err != nil {
		s.refuse(r.Context(), "play", a.client, err)
		answer(w, statusOf(err))
	}
	return a, err == nil
}

func (s *Server) ask(ctx context.Context, a *admission, query string) error {
	var room bool
	if a.back, room = s.seats.take(a.client.Address); !room {
		return ErrLimitReached
	}
	args, err := url.ParseQuery(query)
	if err == nil {
		a.client.Args = args
		err = s.asks(ctx, func(ctx context.Context) error {
			return s.cfg.Authorizer.AuthorizePlay(ctx, PlayRequest{Client: a.client, Key: a.key, Sign: args.Get("sign")})
		})
	}
	if err != nil {
		a.back()
	}
	return err
}

// hijack takes the connection from the HTTP server, with what it has read of it already.
func hijack(w http.ResponseWriter) (net.Conn, []byte, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	var early []byte
	if n := buffered.Reader.Buffered(); n > 0 {
		peeked, _ := buffered.Reader.Peek(n) // all of it is there
		early = append(early, peeked...)
	}
	narrow(conn)
	return conn, early, conn.SetDeadline(time.Time{})
}
