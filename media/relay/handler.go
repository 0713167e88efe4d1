package relay

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"roomlog/internal/limit"
	"roomlog/media"
)

const (
	flvSuffix      = ".flv"
	keyFrameSuffix = "/key.flv"
	recordings     = "recordings/"

	requestRate  = 100 // requests per second from one address
	requestBurst = 400
	rateKeys     = 1024 // maximum number of addresses whose rates are counted
	refusedPause = time.Minute
)

// Handler serves the requests of other nodes below Path. It is safe for concurrent use.
type Handler struct {
	c     HandlerConfig
	rates *limit.Rates[string]
}

// HandlerConfig configures a Handler. Node, Signer, Server and Now are required.
type HandlerConfig struct {
	Node       string // name of this node
	Signer     *media.Signer
	Server     *media.Server
	Recordings http.Handler // serves FOLDER/ID/FILE with the sign of a viewer; nil: there are no recordings
	Now        func() time.Time
	Log        *slog.Logger
}

// NewHandler returns a Handler.
func NewHandler(c HandlerConfig) *Handler {
	return &Handler{c, limit.NewRates[string](limit.Rate{PerSecond: requestRate, Burst: requestBurst}, rateKeys)}
}

// ServeHTTP serves Path + KEY.flv, Path + KEY/key.flv and Path + recordings/FOLDER/ID/FILE. It responds with an empty body and
// 429 to an address that sends too many requests, 405 to other methods than GET and HEAD, 403 without a valid relay sign, and 404 if this
// node does not have the publisher or the recording.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if wait, ok := h.rates.Take(limit.Key(limit.Peer(r)), h.c.Now()); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(1+int(wait/time.Second)))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	from, err := h.c.Signer.VerifyRelay(r.URL.Path, r.Header.Get(headerSign), h.c.Node)
	if err != nil || from == h.c.Node {
		h.c.Log.DebugContext(r.Context(), "request of another node refused", slog.String("remote_addr", r.RemoteAddr), slog.Any("error", err))
		w.WriteHeader(http.StatusForbidden)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, Path)
	key, isStream := strings.CutSuffix(path, flvSuffix)
	frameKey, isFrame := strings.CutSuffix(path, keyFrameSuffix)
	switch {
	case strings.HasPrefix(path, recordings) && h.c.Recordings != nil:
		http.StripPrefix(Path+recordings, h.c.Recordings).ServeHTTP(w, r)
	case isFrame && media.ValidKey(frameKey):
		h.serveKeyFrame(w, frameKey)
	case isStream && media.ValidKey(key) && r.Method == http.MethodGet:
		h.c.Server.ServeRelay(w, r, key, from)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// serveKeyFrame serves the newest key frame of a stream.
func (h *Handler) serveKeyFrame(w http.ResponseWriter, key string) {
	file, err := h.c.Server.RelayKeyFrame(key)
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "video/x-flv")
	w.Header().Set("Content-Length", strconv.Itoa(len(file)))
	_, _ = w.Write(file) // fails only if the node has disconnected
}
