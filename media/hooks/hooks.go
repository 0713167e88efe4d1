package hooks

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/domain"
	"roomlog/internal/limit"
	"roomlog/media"
)

// ErrRejected is wrapped when a pre hook rejects a request.
var ErrRejected = errors.New("hooks: rejected by the receiver of the hook")

// Hooks sends webhooks to one receiver. It is safe for concurrent use.
type Hooks struct {
	cfg      Config
	connects *limit.Rates[string] // rates of pre_connect hooks by address
	fetches  *limit.Rates[string] // rates of pre_play hooks of fetches by address
	sequence atomic.Uint64        // number of the last post or done hook

	admitted *lru.Cache[[sha256.Size]byte, time.Time] // fetchKey → time at which the receiver last accepted the fetch

	// Any client can cause hooks about connections and players. They must not delay or displace hooks about broadcasts.
	broadcasts, clients *queue

	// Each kind of hooks has connections of its own: clients without a sign can cause connect hooks, and must not delay the others.
	connect, publish, play *client
}

// New returns Hooks. Pre hooks are sent immediately. Post and done hooks are delivered while Run runs.
func New(cfg Config) (*Hooks, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	admitted, err := lru.New[[sha256.Size]byte, time.Time](maxAdmitted)
	if err != nil {
		return nil, err
	}
	perMinute := limit.PerMinute(cfg.ConnectsPerMinute)
	h := &Hooks{cfg: cfg, connects: limit.NewRates[string](perMinute, addresses), fetches: limit.NewRates[string](perMinute, addresses), admitted: admitted,
		connect: newClient(cfg), publish: newClient(cfg), play: newClient(cfg)}
	h.broadcasts, h.clients = newQueue(cfg, newClient(cfg), &h.sequence), newQueue(cfg, newClient(cfg), &h.sequence)
	return h, nil
}

// Run delivers post and done hooks until ctx ends. Then it delivers the remaining hooks for at most 4 s, those about broadcasts
// first, and returns nil.
func (h *Hooks) Run(ctx context.Context) error {
	for _, c := range []*client{h.connect, h.publish, h.play, h.broadcasts.client, h.clients.client} {
		defer c.http.CloseIdle()
	}
	var running sync.WaitGroup
	for _, q := range []*queue{h.broadcasts, h.clients} {
		running.Go(func() { q.run(ctx) })
	}
	running.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	h.broadcasts.finish(ctx)
	h.clients.finish(ctx)
	return nil
}

// Stats holds the counters of post and done hooks.
type Stats struct {
	Waiting                     int
	Delivered, Retried, Dropped uint64
}

// Stats returns the current counts.
func (h *Hooks) Stats() Stats {
	b, c := h.broadcasts, h.clients
	return Stats{b.len() + c.len(), b.delivered.Load() + c.delivered.Load(), b.retried.Load() + c.retried.Load(), b.dropped.Load() + c.dropped.Load()}
}

// AuthorizeConnect sends pre_connect. It returns an error that wraps ErrRejected or media.ErrUnavailable unless the
// request is accepted. If the address of the client causes too many connect hooks, it sends nothing and returns an error that wraps
// media.ErrLimitReached.
func (h *Hooks) AuthorizeConnect(ctx context.Context, r media.ConnectRequest) error {
	if retryAfter, ok := h.connects.Take(limit.Key(limit.ParseAddr(r.Client.Address)), h.cfg.Now()); !ok {
		return fmt.Errorf("%w: more than %d connect hooks per minute for one address, next in %v", media.ErrLimitReached, h.cfg.ConnectsPerMinute, retryAfter)
	}
	return h.authorize(ctx, h.connect, newNotification(h.cfg, "pre_connect", r.Client, ""))
}

// AuthorizePublish sends pre_publish. Its errors are the same as in AuthorizeConnect.
func (h *Hooks) AuthorizePublish(ctx context.Context, r media.PublishRequest) error {
	return h.authorize(ctx, h.publish, newNotification(h.cfg, "pre_publish", r.Client, r.Key))
}

// AuthorizePlay sends pre_play. Its errors are the same as in AuthorizeConnect. A fetch sends nothing if the receiver has
// accepted the same fetch within admittedFor; other fetches count against a limit for each address.
func (h *Hooks) AuthorizePlay(ctx context.Context, r media.PlayRequest) error {
	n := newNotification(h.cfg, "pre_play", r.Client, r.Key)
	if !r.Fetch {
		return h.authorize(ctx, h.play, n)
	}
	key, now := fetchKey(r), h.cfg.Now()
	if at, known := h.admitted.Get(key); known && now.Sub(at).Abs() < admittedFor {
		return nil
	}
	if retryAfter, ok := h.fetches.Take(limit.Key(limit.ParseAddr(r.Client.Address)), now); !ok {
		return fmt.Errorf("%w: more than %d play hooks per minute for one address, next in %v", media.ErrLimitReached, h.cfg.ConnectsPerMinute, retryAfter)
	}
	err := h.authorize(ctx, h.play, n)
	if err == nil {
		h.admitted.Add(key, now)
	}
	return err
}

// fetchKey returns a hash of what the receiver can decide about: the stream, the person, the address and the query. The sign is not
// part of it: it was verified before, and every response of the API contains another one.
func fetchKey(r media.PlayRequest) [sha256.Size]byte {
	args := maps.Clone(r.Client.Args)
	args.Del("sign")
	return sha256.Sum256(fmt.Appendf(nil, "%q %d %q %q", r.Key, r.Client.User, limit.Key(limit.ParseAddr(r.Client.Address)), args.Encode()))
}

// Connected queues post_connect.
func (h *Hooks) Connected(_ context.Context, c media.Client) {
	h.clients.push(newNotification(h.cfg, "post_connect", c, ""))
}

// Disconnected queues done_connect.
func (h *Hooks) Disconnected(_ context.Context, c media.Client) {
	h.clients.push(newNotification(h.cfg, "done_connect", c, ""))
}

// PlayStarted queues post_play.
func (h *Hooks) PlayStarted(_ context.Context, s media.PlaySession) {
	h.clients.push(newNotification(h.cfg, "post_play", s.Client, s.Key))
}

// PlayStopped queues done_play.
func (h *Hooks) PlayStopped(_ context.Context, s media.PlaySession, reason media.Reason) {
	n := newNotification(h.cfg, "done_play", s.Client, s.Key)
	n.Reason, n.Bytes = reason, s.Bytes
	h.clients.push(n)
}

// BroadcastChanged queues post_publish if reason is "", otherwise done_publish, for a broadcast whose beginning or
// end is in the log at position.
func (h *Hooks) BroadcastChanged(b media.Broadcast, reason media.Reason, live domain.LiveID, position int64) {
	hook := "post_publish"
	if reason != "" {
		hook = "done_publish"
	}
	n := newNotification(h.cfg, hook, b.Publisher, b.Key)
	n.Live, n.Broadcast, n.Position, n.Media = live, b.ID, position, mediaInfoOf(b)
	if n.Reason = reason; reason != "" {
		n.Bytes = b.Bytes
	}
	h.broadcasts.push(n)
}

// authorize sends a pre hook. It returns an error if the webhook rejects the request, or if the hook fails and
// HookFailure is not FailureAccepts. The end of ctx is no failure of the webhook: then it always returns an error.
func (h *Hooks) authorize(ctx context.Context, c *client, n Notification) error {
	status, err := c.post(ctx, n)
	switch {
	case err == nil && status < 300:
		return nil
	case err == nil && isRejection(status):
		return fmt.Errorf("%w: %s: status %d", ErrRejected, n.Hook, status)
	case errors.Is(err, errEncoding): // a retry would fail too
		return fmt.Errorf("%w: %w", ErrRejected, err)
	case err == nil:
		err = fmt.Errorf("status %d", status)
	case ctx.Err() != nil: // The receiver had less than HookTimeout, because other requests were sent first, or the client is gone.
		return fmt.Errorf("%w: %w", media.ErrUnavailable, err)
	}
	if h.cfg.HookFailure == FailureAccepts {
		h.cfg.Log.WarnContext(ctx, "webhook failed, request accepted", slog.String("hook", n.Hook), slog.String("connection_id", n.ID), slog.Any("error", err))
		return nil
	}
	return fmt.Errorf("%w: %s: %w", media.ErrUnavailable, n.Hook, err)
}
