package media

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"roomlog/internal/limit"
)

const (
	flvSuffix       = ".flv"
	snapshotFile    = "snapshot.jpg"
	allowedMethods  = "GET, HEAD, OPTIONS"
	preflightMaxAge = "86400" // value of Access-Control-Max-Age in seconds
)

// ServeHTTP serves /live/KEY.flv over HTTP and WebSocket, /live/KEY/index.m3u8 with the files that it refers to, and
// /live/KEY/snapshot.jpg.
// A player that is not authorized gets status 403 with an empty body. An authorized player gets no byte before there
// is something to play. ServeHTTP hijacks the connections of FLV players; the HTTP server must have timeouts for all
// others (package httpserver). A HEAD request gets the response of a GET request without its body.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cfg := s.core.cfg
	w.Header().Set("Access-Control-Allow-Origin", cfg.AllowOrigin)
	if r.ContentLength != 0 { // the HTTP server would wait for a body that no player needs to send
		_ = http.NewResponseController(w).SetReadDeadline(cfg.Now().Add(cfg.RTMP.ControlTimeout))
	}
	if r.Method == http.MethodOptions {
		handlePreflight(w, r)
		return
	}
	path, found := strings.CutPrefix(r.URL.Path, "/"+App+"/")
	key, file, isFile := strings.Cut(path, "/")
	if !isFile {
		key, isFile = strings.CutSuffix(path, flvSuffix)
	}
	switch {
	case !found || !isFile || !ValidKey(key):
		writeStatus(w, http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", allowedMethods)
		writeStatus(w, http.StatusMethodNotAllowed)
	case file == snapshotFile:
		s.serveSnapshot(w, r, key)
	case file != "":
		s.hls.serve(w, r, key, file)
	case r.Method == http.MethodHead:
		s.serveFLVHead(w, r, key)
	default:
		s.serveFLV(w, r, key)
	}
}

func handlePreflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", allowedMethods)
	if requested := r.Header.Get("Access-Control-Request-Headers"); requested != "" {
		h.Set("Access-Control-Allow-Headers", requested)
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	h.Set("Access-Control-Max-Age", preflightMaxAge)
	w.WriteHeader(http.StatusNoContent)
}

// serveSnapshot serves a JPEG picture of the stream to clients that may play it. Without a picture it redirects to the
// address of Config.Cover, or responds with 204.
func (s *Server) serveSnapshot(w http.ResponseWriter, r *http.Request, key string) {
	c := s.core
	a := c.newAdmission(r, key, HTTPFLV)
	a.fetch = true
	a, ok := c.admitted(w, r, a)
	if !ok {
		return
	}
	defer a.slot.Release()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	resume := limit.Pause(ctx)
	a.slot.Wait(cancel)
	jpeg, err := s.snapshots.Take(ctx, key, func() ([]byte, error) { return s.newestKeyFrame(ctx, key) })
	resume()
	w.Header().Set("Cache-Control", "private, max-age=5")
	if err == nil {
		w.Header().Set("Content-Type", "image/jpeg")
		w.Header().Set("Content-Length", strconv.Itoa(len(jpeg)))
		_, _ = w.Write(jpeg) // fails only if the client has disconnected
		return
	}
	c.cfg.Log.DebugContext(r.Context(), "no snapshot of a stream", slog.Any("error", err))
	if c.cfg.Cover != nil {
		if cover := c.cfg.Cover(r.Context(), key); cover != "" {
			http.Redirect(w, r, cover, http.StatusFound)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// newestKeyFrame returns an FLV file with the newest key frame of a stream, which another node may publish.
func (s *Server) newestKeyFrame(ctx context.Context, key string) ([]byte, error) {
	file, err := s.core.hub.newestKeyFrame(key)
	if source := s.core.cfg.Relay; errors.Is(err, ErrNoBroadcast) && source != nil {
		return source.KeyFrame(ctx, key)
	}
	return file, err
}

// serveFLVHead responds to a HEAD request for an FLV stream like to a GET request, but without a body, and without
// waiting for a publisher.
func (s *Server) serveFLVHead(w http.ResponseWriter, r *http.Request, key string) {
	a, ok := s.core.admit(w, r, key, HTTPFLV)
	if !ok {
		return
	}
	a.slot.Release()
	w.Header().Set("Content-Type", flvType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// serveFLV authorizes an FLV player, takes over its connection, and plays in a separate goroutine.
func (s *Server) serveFLV(w http.ResponseWriter, r *http.Request, key string) {
	c := s.core
	protocol, play := HTTPFLV, (*core).playFLV
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		protocol, play = WSFLV, playWS(s.upgrader)
		if !upgradable(r) {
			writeStatus(w, http.StatusBadRequest)
			return
		}
	}
	a, ok := c.admit(w, r, key, protocol)
	if !ok {
		return
	}
	if !c.conns.enter() {
		a.slot.Release()
		writeStatus(w, http.StatusServiceUnavailable)
		return
	}
	if r.ProtoMajor > 1 {
		defer c.conns.exit()
		defer a.slot.Release()
		c.playShared(w, r, a)
		return
	}
	conn, early, err := hijack(w)
	if err != nil {
		c.conns.exit()
		a.slot.Release()
		c.cfg.Log.ErrorContext(r.Context(), "hijacking an HTTP connection failed", slog.Any("error", err))
		writeStatus(w, http.StatusInternalServerError)
		return
	}
	request := r.WithContext(context.WithoutCancel(r.Context()))
	go func() {
		defer c.conns.exit()
		defer a.slot.Release()
		defer conn.Close()
		defer c.recoverConn(a.client)
		play(c, request, conn, early, a)
	}()
}
