package relay

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/internal/limit"
	"roomlog/media"
)

const (
	flvSuffix      = ".flv"
	keyFrameSuffix = "/key.flv"
	recordings     = "recordings/"

	refusalRate  = 100 // refused signs per second from one address
	refusalBurst = 400
	rateKeys     = 1024 // maximum number of addresses whose rates are counted

	// maxUsed is the maximum number of signs that are remembered. A sign is valid for at most a minute, so the oldest one is still
	// refused while nodes send fewer than 500 requests per second.
	maxUsed = 1 << 15
)

var (
	errOwnSign  = errors.New("relay: the sign names this node as the sender")
	errUsedSign = errors.New("relay: the sign was used before")
)

// Handler serves the requests of other nodes below Path. It is safe for concurrent use.
type Handler struct {
	c     HandlerConfig
	rates *limit.Rates[string]         // rates of refused signs by address
	used  *lru.Cache[string, struct{}] // signs that were accepted
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

// NewHandler returns a Handler that serves the streams and recordings of this node to other nodes.
func NewHandler(c HandlerConfig) *Handler {
	used, err := lru.New[string, struct{}](maxUsed)
	if err != nil {
		panic("relay: " + err.Error()) // cannot happen: the size is positive
	}
	return &Handler{c, limit.NewRates[string](limit.Rate{PerSecond: refusalRate, Burst: refusalBurst}, rateKeys), used}
}

// ServeHTTP serves Path + KEY.flv, Path + KEY/key.flv and Path + recordings/FOLDER/ID/FILE. It responds with an empty body and 405 to
// other methods than GET and HEAD, 403 without a valid relay sign or with one that was used before, and 404 if this node does not have
// the publisher or the recording. An address that sends too many wrong signs gets 429 for them; requests of nodes are not counted.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	from, err := h.verify(r)
	if err != nil {
		h.refuse(w, r, err)
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

// verify returns the node that has signed a request. Each sign is accepted once.
func (h *Handler) verify(r *http.Request) (from string, err error) {
	sign := r.Header.Get(headerSign)
	from, err = h.c.Signer.VerifyRelay(r.URL.Path, sign, h.c.Node)
	switch {
	case err != nil:
		return "", err
	case from == h.c.Node:
		return "", errOwnSign
	}
	if used, _ := h.used.ContainsOrAdd(sign, struct{}{}); used {
		return "", errUsedSign
	}
	return from, nil
}

// refuse responds to a request with a wrong sign.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if wait, ok := h.rates.Take(limit.Key(limit.Peer(r)), h.c.Now()); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(1+int(wait/time.Second)))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	h.c.Log.DebugContext(r.Context(), "request of another node refused", slog.String("remote_addr", r.RemoteAddr), slog.Any("error", err))
	w.WriteHeader(http.StatusForbidden)
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
