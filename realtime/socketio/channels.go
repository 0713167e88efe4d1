package socketio

import (
	"context"
	"log/slog"
	"sync"

	"roomlog/domain"
	"roomlog/realtime/socketio/engineio"
)

// channels contains the channels of the lives that sockets of this server are in.
type channels struct {
	cfg      *Config
	newGroup func() *engineio.Group
	lists    *debouncer[*channel] // viewer lists to send
	surveys  *debouncer[*channel] // sockets of other nodes to read

	announcements *debouncer[domain.LiveID] // lives whose sockets on this node have changed

	mu     sync.Mutex
	byLive map[domain.LiveID]*channel
}

func newChannels(cfg *Config, newGroup func() *engineio.Group) *channels {
	c := &channels{cfg: cfg, newGroup: newGroup, byLive: make(map[domain.LiveID]*channel)}
	c.lists, c.surveys = newDebouncer(cfg.Now, c.refresh), newDebouncer(cfg.Now, c.survey)
	c.announcements = newDebouncer(cfg.Now, c.announce)
	return c
}

// run sends the postponed viewer lists, and exchanges the sockets in lives with the other nodes, until ctx ends.
func (c *channels) run(ctx context.Context) {
	defer c.cfg.Cluster.OnSurvey(socketsTopic, c.reply)()
	defer c.cfg.Cluster.Subscribe(socketsTopic, c.receive)()
	var group sync.WaitGroup
	group.Go(func() { c.lists.run(ctx) })
	group.Go(func() { c.surveys.run(ctx) })
	group.Go(func() { c.announcements.run(ctx) })
	group.Wait()
}

func (c *channels) refresh(ctx context.Context, one *channel) error {
	err := one.refresh(ctx)
	if err != nil {
		c.cfg.Log.WarnContext(ctx, "viewer list could not be read, retrying", slog.Int64("live_id", int64(one.live)), slog.Any("error", err))
	}
	return err
}

// acquire returns the channel of a live. The channel stays subscribed until release was called as often as acquire.
func (c *channels) acquire(live domain.LiveID) *channel {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.byLive[live]
	if one == nil || one.wasReset() {
		one = newChannel(live, c)
		c.byLive[live] = one
		one.surveyLater()
	}
	one.refs++
	return one
}

// release releases a channel. The last release unsubscribes it from the hub.
func (c *channels) release(one *channel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one.refs--
	if one.refs == 0 && c.byLive[one.live] == one {
		delete(c.byLive, one.live)
		c.cfg.Hub.Unsubscribe(one.live, one)
	}
}

func (c *channels) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byLive)
}
