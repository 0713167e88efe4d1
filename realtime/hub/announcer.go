package hub

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
)

const (
	// announcements is the maximum number of announcements that wait. Further ones are dropped.
	announcements = 1000
	// followersAtOnce is the maximum number of users in one query for followers.
	followersAtOnce = 2000
)

// AnnouncedClient is a Client that receives announcements. They are no facts: a client that is not connected misses them, and
// reads the lists of the REST API instead. Clients of Socket.IO do not implement the interface, because old apps have no
// event for announcements.
type AnnouncedClient interface {
	Client
	// AnnounceLive is called when a streamer whom the user follows has started a live.
	AnnounceLive(live projections.Live)
	// AnnounceFollower is called when another user has begun to follow the user.
	AnnounceFollower(follower projections.Profile)
}

// announcer notifies connected followers that a live has started, and connected streamers that they have a new follower. It queries the
// tables and therefore works in the background.
type announcer struct {
	queries  *projections.Queries
	registry *registry
	log      *slog.Logger
	queue    chan domain.Event
}

func newAnnouncer(c Config, r *registry) *announcer {
	return &announcer{queries: c.Queries, registry: r, log: c.Log, queue: make(chan domain.Event, announcements)}
}

// observe queues the announcement of an event. It does not block. The caller must have locked registry.mu.
func (a *announcer) observe(e domain.Event) {
	switch e := e.(type) {
	case domain.LiveStatusChanged:
		if e.From != domain.StatusNotStarted || e.To != domain.StatusOnAir {
			return
		}
	case domain.UserFollowed:
		if len(a.registry.clients[e.Streamer]) == 0 {
			return
		}
	default:
		return
	}
	select {
	case a.queue <- e:
	default:
	}
}

// run sends announcements until ctx ends.
func (a *announcer) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-a.queue:
			if err := a.announce(ctx, e); err != nil && ctx.Err() == nil {
				a.log.Log(ctx, LevelOf(err), "announcement dropped", slog.String("event_type", e.Type()), slog.Any("error", err))
			}
		}
	}
}

func (a *announcer) announce(ctx context.Context, e domain.Event) error {
	switch e := e.(type) {
	case domain.LiveStatusChanged:
		return a.announceLive(ctx, e)
	case domain.UserFollowed:
		follower, err := a.queries.Profile(ctx, e.User)
		if err == nil {
			a.toClients(e.Streamer, func(c AnnouncedClient) { c.AnnounceFollower(follower) })
		}
		return err
	}
	return nil
}

// announceLive announces a live to those followers of its streamer who are connected to this node.
func (a *announcer) announceLive(ctx context.Context, e domain.LiveStatusChanged) error {
	live, err := a.queries.Live(ctx, e.Live)
	if err != nil {
		return err
	}
	if !live.Access.Listed() { // whoever is not invited must not learn of it
		return nil
	}
	for users := range slices.Chunk(a.registry.users(), followersAtOnce) {
		followers, err := a.queries.FollowersAmong(ctx, e.Streamer, users)
		if err != nil {
			return err
		}
		for _, user := range followers {
			a.toClients(user, func(c AnnouncedClient) { c.AnnounceLive(live) })
		}
	}
	return nil
}

// toClients calls send with every client of a user that receives announcements.
func (a *announcer) toClients(user domain.UserID, send func(AnnouncedClient)) {
	a.registry.mu.Lock()
	defer a.registry.mu.Unlock()
	for c := range a.registry.clients[user] {
		if announced, ok := c.(AnnouncedClient); ok {
			send(announced)
		}
	}
}

// users returns the users with clients.
func (r *registry) users() []domain.UserID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.clients))
}
