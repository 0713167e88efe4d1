package hooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"roomlog/domain"
	"roomlog/media"
)

// ErrRejected is what a pre hook has said.
var ErrRejected = errors.New("hooks: rejected")

// Hooks tells one receiver. It is safe for concurrent use.
type Hooks struct {
	cfg    Config
	client *http.Client

	mu     sync.Mutex
	seq    uint64
	queue  []Notification
	losing bool // somebody was told that the queue is full, and it was not empty since
	more   chan struct{}

	delivered, retried, lost atomic.Uint64
}

// New makes Hooks. They ask at once; what is told is delivered while Run runs.
func New(cfg Config) (*Hooks, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: connsAt, MaxIdleConnsPerHost: connsAt,
		ForceAttemptHTTP2: true, MaxResponseHeaderBytes: mostAnswer}
	return &Hooks{cfg: cfg, more: make(chan struct{}, 1), client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Stats is what became of post and done hooks.
type Stats struct {
	Waiting                  int
	Delivered, Retried, Lost uint64
}

// Stats answers the counts.
func (h *Hooks) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Stats{len(h.queue), h.delivered.Load(), h.retried.Load(), h.lost.Load()}
}

// AuthorizeConnect is the hook pre_connect.
func (h *Hooks) AuthorizeConnect(ctx context.Context, r media.ConnectRequest) error {
	return h.ask(ctx, h.notice("pre_connect", r.Client, ""))
}

// AuthorizePublish is the hook pre_publish.
func (h *Hooks) AuthorizePublish(ctx context.Context, r media.PublishRequest) error {
	return h.ask(ctx, h.notice("pre_publish", r.Client, r.Key))
}

// AuthorizePlay is the hook pre_play.
func (h *Hooks) AuthorizePlay(ctx context.Context, r media.PlayRequest) error {
	return h.ask(ctx, h.notice("pre_play", r.Client, r.Key))
}

// Connected is the hook post_connect.
func (h *Hooks) Connected(_ context.Context, c media.Client) { h.tell(h.notice("post_connect", c, "")) }

// Disconnected is the hook done_connect.
func (h *Hooks) Disconnected(_ context.Context, c media.Client) {
	h.tell(h.notice("done_connect", c, ""))
}

// PlayStarted is the hook post_play.
func (h *Hooks) PlayStarted(_ context.Context, v media.PlaySession) {
	h.tell(h.notice("post_play", v.Client, v.Key))
}

// PlayStopped is the hook done_play.
func (h *Hooks) PlayStopped(_ context.Context, v media.PlaySession, why media.Reason) {
	n := h.notice("done_play", v.Client, v.Key)
	n.Reason, n.Bytes = why, v.Bytes
	h.tell(n)
}

// BroadcastChanged is the hooks post_publish, and done_publish if there is a why: of a show whose beginning, or end, is
// in the log.
func (h *Hooks) BroadcastChanged(s media.Broadcast, why media.Reason, live domain.LiveID, position int64) {
	hook := "post_publish"
	if why != "" {
		hook = "done_publish"
	}
	n := h.notice(hook, s.Publisher, s.Key)
	n.Live, n.Broadcast, n.Position, n.Media = live, s.ID, position, pictureOf(s)
	if n.Reason = why; why != "" {
		n.Bytes = s.Bytes
	}
	h.tell(n)
}

// ask answers what the receiver says of a pre hook.
func (h *Hooks) ask(ctx context.Context, n Notification) error {
	status, err := h.post(ctx, n)
	switch {
	case err == nil && status < 300:
		return nil
	case err == nil && refusal(status):
		return fmt.Errorf("%w: %s with status %d", ErrRejected, n.Hook, status)
	case errors.Is(err, errBody): // nobody can be asked
		return fmt.Errorf("%w: %w", ErrRejected, err)
	case err == nil:
		err = fmt.Errorf("status %d", status)
	}
	if h.cfg.AllowOnFailure {
		h.cfg.Log.WarnContext(ctx, "a hook failed and does not count", slog.String("hook", n.Hook), slog.String("client", n.ID), slog.Any("err", err))
		return nil
	}
	return fmt.Errorf("%w: %s: %w", media.ErrUnavailable, n.Hook, err)
}

// refusal says whether a status is an answer, and not a failure that passes.
func refusal(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}
