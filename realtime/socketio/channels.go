package socketio

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/internal/strictjson"
	"roomlog/realtime/socketio/engineio"
)

// socketsTopic is the topic of messages about changed sockets of a live, and of surveys of the sockets in a live.
const socketsTopic = "socketio.sockets"

const (
	announceInterval = 100 * time.Millisecond // minimum time between two announcements of this node
	maxAnnounced     = 80                     // maximum number of lives in one message, so that cluster.MaxPayload is enough
)

// socketsChanged is a message to all nodes: on a node, sockets have entered or left these lives.
type socketsChanged struct {
	Node  string          `json:"node"`
	Lives []domain.LiveID `json:"lives"`
}

// channels contains the channels of the lives that sockets of this server are in.
type channels struct {
	cfg      *Config
	newGroup func() *engineio.Group
	lists    *debouncer[*channel] // viewer lists to send
	surveys  *debouncer[*channel] // sockets of other nodes to read

	announcements *debouncer[string] // messages to send, by topic

	mu      sync.Mutex
	byLive  map[domain.LiveID]*channel
	changed map[domain.LiveID]struct{} // lives whose sockets on this node have changed since the last announcement
}

func newChannels(cfg *Config, newGroup func() *engineio.Group) *channels {
	c := &channels{cfg: cfg, newGroup: newGroup, byLive: make(map[domain.LiveID]*channel), changed: make(map[domain.LiveID]struct{})}
	c.lists, c.surveys = newDebouncer(cfg.Now, c.refresh), newDebouncer(cfg.Now, c.survey)
	c.announcements = newDebouncer(cfg.Now, c.announce)
	return c
}

// run sends the postponed viewer lists, and exchanges the sockets in lives with the other nodes, until ctx ends.
func (c *channels) run(ctx context.Context) {
	defer c.cfg.Cluster.OnSurvey(socketsTopic, c.reply)()
	defer c.cfg.Cluster.Subscribe(socketsTopic, c.receive)()
	defer c.cfg.Cluster.OnMissed(c.surveyAll)()
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
		one = newChannel(c.cfg, live, c.newGroup, c.lists.schedule, c.surveys.schedule)
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

// announceLater schedules a message to the other nodes after a socket has entered or left a live. It does not block.
func (c *channels) announceLater(live domain.LiveID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed[live] = struct{}{}
	c.announcements.schedule(socketsTopic, c.cfg.Now().Add(announceInterval))
}

// announce publishes the ids of the lives whose sockets on this node have changed to the other nodes.
func (c *channels) announce(ctx context.Context, topic string) error {
	c.mu.Lock()
	lives := slices.Sorted(maps.Keys(c.changed))
	clear(c.changed)
	c.mu.Unlock()
	err := c.publish(ctx, topic, lives)
	if err != nil {
		c.cfg.Log.WarnContext(ctx, "message about sockets could not be sent, retrying", slog.Any("error", err))
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, live := range lives {
			c.changed[live] = struct{}{}
		}
	}
	return err
}

func (c *channels) publish(ctx context.Context, topic string, lives []domain.LiveID) error {
	if alone, err := c.alone(ctx); alone || err != nil {
		return err
	}
	for some := range slices.Chunk(lives, maxAnnounced) {
		payload, err := json.Marshal(socketsChanged{c.cfg.Cluster.Node(), some})
		if err == nil {
			err = c.cfg.Cluster.Publish(ctx, topic, payload)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// alone reports whether there is no other node.
func (c *channels) alone(ctx context.Context) (bool, error) {
	nodes, err := c.cfg.Cluster.Nodes(ctx)
	own := c.cfg.Cluster.Node()
	return !slices.ContainsFunc(nodes, func(node string) bool { return node != own }), err
}

// receive handles a message about changed sockets. It does not block.
func (c *channels) receive(payload []byte) {
	var m socketsChanged
	if strictjson.Unmarshal(payload, &m) != nil || m.Node == c.cfg.Cluster.Node() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, live := range m.Lives {
		if one := c.byLive[live]; one != nil {
			one.surveyLater()
		}
	}
}

// surveyAll schedules surveys of all lives, because messages about changed sockets may have been missed. It does not block.
func (c *channels) surveyAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.byLive {
		one.surveyLater()
	}
}

// reply returns the sockets of this node in a live.
func (c *channels) reply(_ context.Context, request []byte) ([]byte, error) {
	var live domain.LiveID
	if err := strictjson.Unmarshal(request, &live); err != nil {
		return nil, fmt.Errorf("read a survey of sockets: %w", err)
	}
	c.mu.Lock()
	one := c.byLive[live]
	c.mu.Unlock()
	sockets := []listedSocket{}
	if one != nil {
		sockets = one.sockets()
	}
	return json.Marshal(sockets)
}

// survey reads the sockets of the other nodes in a live. A node that does not reply in time is asked again later; until
// then the list does not contain its sockets.
func (c *channels) survey(ctx context.Context, one *channel) error {
	one.beginSurvey()
	others, missing, err := c.readOthers(ctx, one.live)
	if err != nil {
		c.cfg.Log.WarnContext(ctx, "sockets of other nodes could not be read, retrying", slog.Int64("live_id", int64(one.live)), slog.Any("error", err))
		return err
	}
	one.setOthers(others)
	if missing && one.inUse() {
		one.surveyLater()
	}
	return nil
}

// readOthers returns the newest sockets of the other nodes in a live, and whether the reply of a node is missing.
func (c *channels) readOthers(ctx context.Context, live domain.LiveID) (others []listedSocket, missing bool, err error) {
	if alone, err := c.alone(ctx); alone || err != nil {
		return nil, false, err
	}
	request, err := json.Marshal(live)
	if err != nil {
		return nil, false, err
	}
	survey, err := c.cfg.Cluster.Survey(ctx, socketsTopic, request)
	if err != nil {
		return nil, false, err
	}
	for _, r := range survey.Replies {
		var sockets []listedSocket
		if err := strictjson.Unmarshal(r.Payload, &sockets); err != nil {
			return nil, false, fmt.Errorf("reply of node %s: %w", r.Node, err)
		}
		if r.Node != c.cfg.Cluster.Node() {
			others = append(others, sockets...)
		}
	}
	return newestSockets(others, c.cfg.ListedViewers), len(survey.Missing) > 0, nil
}
