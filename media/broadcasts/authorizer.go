package broadcasts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/media"
	"roomlog/projections"
)

// Errors that refuse a publisher or player whose sign is valid.
var (
	ErrLiveNotFound   = errors.New("broadcasts: no live has this stream key")
	ErrLiveEnded      = errors.New("broadcasts: the live has ended")
	ErrOwnerRefused   = errors.New("broadcasts: the owner of the live may not broadcast")
	ErrOwnService     = errors.New("broadcasts: the client pushes a broadcast of this service")
	ErrRecentlyKicked = errors.New("broadcasts: an operator ended the broadcast of this live a moment ago")
)

// requestMemory is the time for which a request is remembered: longer than a client needs from its authorization to
// its stream.
const requestMemory = time.Minute

// request describes the newest requests for one stream key.
type request struct {
	at       time.Time // time of the newest request
	checking int       // number of requests that are being checked
	passed   bool      // whether a request has passed the check
}

// authorizer decides which clients may publish and play. It is safe for concurrent use.
type authorizer struct {
	cfg    Config
	server *serverRef

	mu        sync.Mutex
	cooldowns map[domain.LiveID]time.Time // live that was kicked → time until which publishers are refused
	requests  map[string]*request         // newest requests by stream key
	prunedAt  time.Time
}

func newAuthorizer(cfg Config, server *serverRef) *authorizer {
	return &authorizer{cfg: cfg, server: server, cooldowns: make(map[domain.LiveID]time.Time), requests: make(map[string]*request)}
}

// publish accepts the publish key or a publish sign of a live that may have a broadcast and has no broadcast on another
// node. A sign that has expired is accepted if it was valid when the first broadcast of the live began. An encoder can
// therefore reconnect until the live ends.
func (a *authorizer) publish(ctx context.Context, r media.PublishRequest) error {
	isKey := media.IsPublishKey(r.Sign)
	var expired error
	if !isKey {
		if err := a.cfg.Signer.Verify(media.ScopePublish, r.Key, r.Sign); errors.Is(err, media.ErrSignExpired) {
			expired = err
		} else if err != nil {
			return err
		}
	}
	live, err := a.check(ctx, r.Key)
	if err == nil && isKey {
		err = checkPublishKey(ctx, a.cfg.Queries, live.ID, r.Sign)
	}
	if err == nil && expired != nil {
		err = a.checkOpened(ctx, live.ID, r.Sign, expired)
	}
	node := live.Broadcast.Node
	switch {
	case err != nil:
		return err
	case a.coolingDown(live.ID):
		return ErrRecentlyKicked
	case live.Broadcast.ID == "" || node == a.cfg.Cluster.Node():
		return nil // the media server decides between publishers of this node
	}
	nodes, err := a.cfg.Cluster.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", media.ErrUnavailable, err)
	}
	if nodes.Contains(node) {
		return media.ErrAlreadyPublishing
	}
	return nil // the broadcast of a lost node ends when this one begins
}

// play accepts a valid play sign for a live that may have a broadcast.
func (a *authorizer) play(ctx context.Context, r media.PlayRequest) error {
	if err := a.cfg.Signer.Verify(media.ScopePlay, r.Key, r.Sign); err != nil {
		return err
	}
	live, err := a.check(ctx, r.Key)
	if err != nil {
		return err
	}
	if live.Restricted() { // the watcher ends the restriction: the access may have changed since live was read
		a.server.Restrict(r.Key, true)
	}
	if a.cfg.Signer.Verify(media.ScopePublish, r.Key, r.Sign) == nil {
		return nil // the preview of the owner
	}
	return checkViewer(ctx, a.cfg.Queries, a.cfg.Players, live.ID, r.Sign, a.cfg.Now())
}

// checkOpened returns nil if a sign was valid when the first broadcast of a live began, and expired otherwise.
func (a *authorizer) checkOpened(ctx context.Context, live domain.LiveID, sign string, expired error) error {
	began, err := a.cfg.Queries.FirstBroadcast(ctx, live)
	if errors.Is(err, projections.ErrNotFound) {
		return expired
	}
	if err != nil {
		return fmt.Errorf("%w: %w", media.ErrUnavailable, err)
	}
	if expiry, err := media.ExpiryOf(sign); err != nil || expiry.Before(began) {
		return expired
	}
	return nil
}

// check returns the live of a stream key. It returns an error if the live may not have a broadcast.
func (a *authorizer) check(ctx context.Context, key string) (live projections.Live, err error) {
	a.remember(key) // before the check: see recentRequests
	defer func() { a.checked(key, err == nil) }()
	live, err = a.cfg.Owners.CheckOwner(ctx, key)
	switch refusal := domain.AsRefusal(err); {
	case errors.Is(err, projections.ErrNotFound):
		return live, ErrLiveNotFound
	case refusal != nil:
		return live, fmt.Errorf("%w: %w", ErrOwnerRefused, refusal)
	case err != nil:
		return live, fmt.Errorf("%w: %w", media.ErrUnavailable, err)
	case live.Status == domain.StatusEnded:
		return live, ErrLiveEnded
	}
	return live, nil
}

// remember stores the time of a request for key, whose check begins.
func (a *authorizer) remember(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.Now()
	if now.Sub(a.prunedAt) > requestMemory {
		a.prunedAt = now
		maps.DeleteFunc(a.requests, func(_ string, r *request) bool { return r.checking == 0 && now.Sub(r.at) > requestMemory })
	}
	r := a.requests[key]
	if r == nil {
		r = &request{}
		a.requests[key] = r
	}
	r.at = now
	r.checking++
}

// checked ends the check of a request for key. It forgets key if no request has passed, so that clients with made-up
// stream keys cannot fill the memory or delay recentRequests.
func (a *authorizer) checked(key string, passed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.requests[key]
	r.checking--
	r.passed = r.passed || passed
	if r.checking == 0 && !r.passed {
		delete(a.requests, key)
	}
}

// recentRequests returns the stream keys of requests in the last one or two minutes that were not refused. A client that has just
// been authorized may not be in the snapshot of the server yet, but must be disconnected when the owner has lost
// access.
func (a *authorizer) recentRequests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	keys := make([]string, 0, len(a.requests))
	for key := range a.requests {
		keys = append(keys, key)
	}
	return keys
}

// startCooldown refuses publishers of a live for KickCooldown.
func (a *authorizer) startCooldown(live domain.LiveID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.Now()
	maps.DeleteFunc(a.cooldowns, func(_ domain.LiveID, until time.Time) bool { return now.After(until) })
	a.cooldowns[live] = now.Add(a.cfg.KickCooldown)
}

func (a *authorizer) coolingDown(live domain.LiveID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cfg.Now().Before(a.cooldowns[live])
}
