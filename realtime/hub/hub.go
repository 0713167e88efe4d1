package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/tracing"
	"roomlog/projections"
)

// Hub contains the clients that are connected to this node, and delivers the deltas and gauges of the feed to them. It
// is safe for concurrent use.
type Hub struct {
	cfg       Config
	registry  *registry
	deliverer *deliverer
	presence  *presence
	watcher   *sessionWatcher
	announcer *announcer
	access    *accessWatcher
	rates     rates
}

// New creates a hub. Add dialects and followers before Run. The cluster must be started after New and must run as long
// as the hub.
func New(cfg Config) (*Hub, error) {
	if err := cfg.prepare(); err != nil {
		return nil, err
	}
	h := &Hub{cfg: cfg, registry: newRegistry(), presence: newPresence(cfg), rates: newRates(cfg)}
	h.watcher = newSessionWatcher(cfg, h.registry)
	h.announcer, h.access = newAnnouncer(cfg, h.registry), newAccessWatcher(cfg, h.presence)
	h.deliverer = newDeliverer(cfg, h.registry, h.presence, h.watcher, h.announcer, h.access)
	cfg.Cluster.OnNodeLost(viewerCleanup(cfg))
	return h, nil
}

// Run delivers the feed, records the presence of viewers in the log, and revokes clients with invalid sign-in sessions,
// until ctx ends. The feed must run as well. Call Drain before ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	stop := h.cfg.Cluster.OnSurvey(surveyTopic, func(_ context.Context, request []byte) ([]byte, error) {
		return replyToSurvey(request, list(h.Node(), h.registry, h.presence))
	})
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.deliverer.run(ctx) })
	g.Go(func() error { return h.presence.run(ctx) })
	g.Go(func() error { return h.presence.removeGhosts(ctx, h.deliverer.waitForHead) })
	g.Go(func() error { return h.watcher.run(ctx) })
	g.Go(func() error { return h.announcer.run(ctx) })
	g.Go(func() error { return h.access.run(ctx) })
	return g.Wait()
}

// Drain prepares the node for its stop. After Drain, viewers stay in their lives when their connections end. The other
// nodes remove the viewers who do not reconnect to any node within PresenceGrace.
func (h *Hub) Drain() { h.presence.stop() }

// Node returns the name of this node in the log.
func (h *Hub) Node() string { return h.cfg.Cluster.Node() }

// LargeLive returns the number of viewers above which joins and leaves are sent in batches; 0 or less: never.
func (h *Hub) LargeLive() int { return h.cfg.LargeLive }

// JoinBatchInterval returns the time between two batches of joins and leaves.
func (h *Hub) JoinBatchInterval() time.Duration { return h.cfg.JoinBatchInterval }

// PresenceGrace returns the time from the loss of a node until its viewers have left.
func (h *Hub) PresenceGrace() time.Duration { return h.cfg.PresenceGrace }

// Stats contains the current numbers of lives, users and viewers of a hub.
type Stats struct {
	Lives   int // number of lives with subscribers on this node
	Users   int // number of users with clients on this node
	Viewers int // number of viewers whose connections are on this node, counted once for each live
}

// Stats returns the current numbers.
func (h *Hub) Stats() Stats {
	lives, users := h.registry.counts()
	return Stats{Lives: lives, Users: users, Viewers: h.presence.count()}
}

// AddDialect adds a dialect. Call it before Run.
func (h *Hub) AddDialect(d Dialect) { h.registry.addDialect(d) }

// AddFollower adds a follower. Call it before Run.
func (h *Hub) AddFollower(f Follower) { h.registry.addFollower(f) }

// Position returns the position up to which all deltas have been delivered.
func (h *Hub) Position() int64 { return h.deliverer.position.Load() }

// ProfileChanges returns the number of profiles that have changed or were erased, in the deltas that have been
// delivered. A copy of profiles may be out of date once the number has changed.
func (h *Hub) ProfileChanges() int64 { return h.deliverer.profiles.Load() }

// History returns the number of the history of the log whose deltas are delivered. It increases when the log has fallen
// back to an earlier state. Positions of different histories cannot be compared.
func (h *Hub) History() int64 {
	h.registry.mu.Lock()
	defer h.registry.mu.Unlock()
	return h.registry.history
}

// WaitReady blocks until the hub receives the feed, shortly after the start. It returns projections.ErrBehind after 5
// seconds.
func (h *Hub) WaitReady(ctx context.Context) error { return h.deliverer.waitReady(ctx) }

// WaitFor blocks until all deltas up to position have been delivered to subscribers and clients. Followers may still be
// behind. It returns projections.ErrBehind after 5 seconds.
func (h *Hub) WaitFor(ctx context.Context, position int64) error {
	return h.deliverer.waitFor(ctx, position)
}

// Verify returns the identity in a token, or a *domain.Refusal.
func (h *Hub) Verify(token string) (Identity, error) { return h.cfg.Verify(token) }

// Tracer returns the tracer with which dialects record requests; it may be nil.
func (h *Hub) Tracer() *tracing.Tracer { return h.cfg.Tracer }

// Now returns the current time of the log, for messages to clients.
func (h *Hub) Now() time.Time { return h.cfg.Now() }

// Expired reports whether the token of an identity has expired.
func (h *Hub) Expired(i Identity) bool { return i.expired(h.cfg.Now()) }

// CheckSession returns the user of a sign-in session, or a *domain.Refusal unless the session is the current one of the user
// and the user may act.
func (h *Hub) CheckSession(ctx context.Context, i Identity) (projections.User, error) {
	return i.check(ctx, h.cfg.Admission)
}

// CheckLater checks the session of a registered client soon, and revokes the client if the session is not valid. It does
// not block.
func (h *Hub) CheckLater(c Client) { h.watcher.schedule(c, h.cfg.Now()) }

// Register adds a client of user. The client receives the deltas of the user channel after position from. If the user
// has too many clients, Register returns a *Problem with the code too_many_connections.
func (h *Hub) Register(ctx context.Context, user domain.UserID, c Client) (from int64, err error) {
	if err := h.WaitReady(ctx); err != nil {
		return 0, err
	}
	from, ok := h.registry.register(user, c, h.cfg.MaxConnectionsPerUser)
	if !ok {
		return 0, NewProblem(CodeTooManyConnections, "this user has too many connections").After(busyRetry)
	}
	return from, nil
}

// Unregister removes a client that was registered for user.
func (h *Hub) Unregister(user domain.UserID, c Client) { h.registry.unregister(user, c) }

// Subscribe adds a subscriber to a live. s receives every delta of the live after position from. history is the number
// of the history of the log to which from belongs.
func (h *Hub) Subscribe(live domain.LiveID, s Subscriber) (history, from int64) {
	return h.registry.subscribe(live, s)
}

// Unsubscribe ends a subscription. When it returns, nothing more is delivered to s.
func (h *Hub) Unsubscribe(live domain.LiveID, s Subscriber) { h.registry.unsubscribe(live, s) }

// CheckLives checks whether a connection with these memberships may join another live. If the connection is in the
// maximum number of lives, CheckLives returns the memberships whose live has ended, which the caller must leave first.
// If none has ended, it returns a *Problem with the code too_many_lives.
func (h *Hub) CheckLives(ctx context.Context, all []Membership) (ended []Membership, err error) {
	if len(all) < h.cfg.MaxLivesPerConnection {
		return nil, nil
	}
	if ended = h.presence.ended(all); len(ended) == 0 {
		if err := h.deliverer.waitForHead(ctx); err != nil { // a live may have ended a moment ago
			return nil, err
		}
		ended = h.presence.ended(all)
	}
	if len(all)-len(ended) >= h.cfg.MaxLivesPerConnection {
		return nil, NewProblem(CodeTooManyLives, fmt.Sprintf("a connection can be in at most %d lives", h.cfg.MaxLivesPerConnection))
	}
	return ended, nil
}

// Enter makes a client present in a live and returns the position of the user's join. It executes the command even if
// the client is already present, because only the log can check the sign-in session and whether the live is open.
func (h *Hub) Enter(ctx context.Context, c Client, live domain.LiveID) (position int64, err error) {
	return h.presence.enter(ctx, c, live)
}

// JoinedAfter reports whether the newest join of a user on this node is after a position. A removal from the live that
// was decided at the position does not apply to such a user.
func (h *Hub) JoinedAfter(m Membership, position int64) bool {
	return h.presence.joinedAfter(m, position)
}

// Leave ends the presence of a client in a live. When the last client of the user leaves, the user leaves the live. It
// does not block.
func (h *Hub) Leave(c Client, live domain.LiveID, cause domain.LeaveCause) {
	h.presence.leave(c, live, cause)
}

// Execute executes a command of a user. It returns a *Problem if the command exceeds the user's rate.
func (h *Hub) Execute(ctx context.Context, by Identity, rate Rate, c domain.Command, key string) (eventstore.Receipt, error) {
	return h.ExecuteFrom(ctx, by, rate, 0, c, key)
}

// ExecuteFrom executes a command like Execute, for a command that contains facts from the tables. history is the number
// of the history of the log before the facts were read. If the log has another history, ExecuteFrom fails with
// eventstore.ErrBusy.
func (h *Hub) ExecuteFrom(ctx context.Context, by Identity, rate Rate, history int64, c domain.Command, key string) (eventstore.Receipt, error) {
	if err := h.rates.take(by.User, rate, h.cfg.Now()); err != nil {
		return eventstore.Receipt{}, err
	}
	return h.cfg.ClientCommands.Execute(ctx, domain.Request{Command: c, Actor: by.Actor(), IdempotencyKey: key, History: history})
}

// ParseCursor returns the position in a cursor, like eventstore.Store.ParseCursor.
func (h *Hub) ParseCursor(ctx context.Context, cursor string) (position int64, err error) {
	return h.cfg.Store.ParseCursor(ctx, cursor)
}

// Deltas reads deltas of a live with after < position ≤ upTo from the log. It returns at most limit deltas, oldest
// first.
func (h *Hub) Deltas(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error) {
	return h.cfg.Feed.LiveDeltas(ctx, live, after, upTo, limit)
}

// Snapshot returns the state of a live. If the tables do not contain the live, Snapshot waits until they have reached
// position and reads again. It returns projections.ErrBehind after 5 seconds.
func (h *Hub) Snapshot(ctx context.Context, live domain.LiveID, position int64) (projections.LiveSnapshot, error) {
	found, err := h.cfg.Queries.LiveSnapshot(ctx, live)
	if !errors.Is(err, projections.ErrNotFound) {
		return found, err
	}
	within, cancel := context.WithTimeout(ctx, tablesTimeout)
	defer cancel()
	if err := h.cfg.Feed.WaitFor(within, position); err != nil {
		return found, projections.ErrBehind
	}
	return h.cfg.Queries.LiveSnapshot(ctx, live)
}

// Profile returns the profile of a signed-in user. If the tables do not contain the user, Profile waits until they have
// reached the head of the log and reads again. It returns projections.ErrBehind after 5 seconds.
func (h *Hub) Profile(ctx context.Context, user domain.UserID) (projections.Profile, error) {
	p, err := h.cfg.Queries.Profile(ctx, user)
	if !errors.Is(err, projections.ErrNotFound) {
		return p, err
	}
	head, err := h.cfg.Store.Head(ctx)
	if err != nil {
		return p, err
	}
	if err := h.WaitFor(ctx, head); err != nil {
		return p, err
	}
	p, err = h.cfg.Queries.Profile(ctx, user)
	if errors.Is(err, projections.ErrNotFound) {
		return p, &domain.Refusal{Code: domain.CodeUserUnavailable, Text: fmt.Sprintf("user %d does not exist", user)}
	}
	return p, err
}
