package socketio

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"roomlog/domain"
)

// socketsTopic is the topic of messages about changed sockets of a live, and of surveys of the sockets in a live.
const socketsTopic = "socketio.sockets"

// announceInterval is the minimum time between two messages of this node about one live.
const announceInterval = 100 * time.Millisecond

// socketsChanged is a message to all nodes: on a node, a socket has entered or left a live.
type socketsChanged struct {
	Live domain.LiveID `json:"live"`
	Node string        `json:"node"`
}

// listedSocket is a socket in a live, as in the reply of a node to a survey.
type listedSocket struct {
	ID       string `json:"id"`       // public id of the socket
	Position int64  `json:"position"` // position of the log when its user joined; the sockets of all nodes are ordered by it
}

// newestSockets orders sockets, newest first, and returns the newest ones up to limit.
func newestSockets(all []listedSocket, limit int) []listedSocket {
	slices.SortStableFunc(all, func(a, b listedSocket) int { return cmp.Compare(b.Position, a.Position) })
	return all[:min(len(all), limit)]
}

// announceLater schedules a message to the other nodes after a socket has entered or left a live. It does not block.
func (c *channels) announceLater(live domain.LiveID) {
	c.announcements.schedule(live, c.cfg.Now().Add(announceInterval))
}

// announce tells the other nodes that the sockets of this node in a live have changed.
func (c *channels) announce(ctx context.Context, live domain.LiveID) error {
	payload, err := json.Marshal(socketsChanged{live, c.cfg.Cluster.Node()})
	if err == nil {
		err = c.cfg.Cluster.Publish(ctx, socketsTopic, payload)
	}
	if err != nil {
		c.cfg.Log.WarnContext(ctx, "message about sockets could not be sent, retrying", slog.Int64("live_id", int64(live)), slog.Any("error", err))
	}
	return err
}

// receive handles a message about changed sockets. It does not block.
func (c *channels) receive(payload []byte) {
	var m socketsChanged
	if json.Unmarshal(payload, &m) != nil || m.Node == c.cfg.Cluster.Node() {
		return
	}
	c.mu.Lock()
	one := c.byLive[m.Live]
	c.mu.Unlock()
	if one != nil {
		one.surveyLater()
	}
}

// reply returns the sockets of this node in a live.
func (c *channels) reply(_ context.Context, request []byte) ([]byte, error) {
	var live domain.LiveID
	if err := json.Unmarshal(request, &live); err != nil {
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
	others, missing, err := c.readOthers(ctx, one.beginSurvey())
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
		if err := json.Unmarshal(r.Payload, &sockets); err != nil {
			return nil, false, fmt.Errorf("reply of node %s: %w", r.Node, err)
		}
		if r.Node != c.cfg.Cluster.Node() {
			others = append(others, sockets...)
		}
	}
	return newestSockets(others, c.cfg.ListedViewers), len(survey.Missing) > 0, nil
}

// sockets returns the newest sockets of this node in the live, newest first.
func (c *channel) sockets() []listedSocket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newestOwn()
}

func (c *channel) newestOwn() []listedSocket {
	own := make([]listedSocket, 0, min(len(c.subscribers), c.cfg.ListedViewers))
	for e := c.order.Front(); e != nil && len(own) < c.cfg.ListedViewers; e = e.Next() {
		s := e.Value.(*subscription)
		own = append(own, listedSocket{s.socket.PublicID(), s.position})
	}
	return own
}

// newestSockets returns the newest sockets of all nodes in the live, newest first.
func (c *channel) newestSockets() []listedSocket {
	own := c.newestOwn()
	if len(c.others) == 0 {
		return own
	}
	return newestSockets(append(own, c.others...), c.cfg.ListedViewers)
}

// surveyLater schedules a survey of the sockets of the other nodes: at once, or an interval after the last survey. It
// does not block.
func (c *channel) surveyLater() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scheduleSurvey()
}

func (c *channel) scheduleSurvey() {
	c.channels.surveys.schedule(c, c.lastSurvey.Add(c.cfg.Hub.JoinBatchInterval()))
}

// inUse reports whether the channel has sockets.
func (c *channel) inUse() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.subscribers) > 0 && !c.reset
}

// beginSurvey records the time of a survey and returns its live.
func (c *channel) beginSurvey() domain.LiveID {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastSurvey = c.cfg.Now()
	return c.live
}

// setOthers sets the sockets of the other nodes. If they have changed, it sends the viewer list again.
func (c *channel) setOthers(others []listedSocket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Equal(c.others, others) {
		return
	}
	c.others = others
	at := c.cfg.Now()
	if c.large() {
		at = c.lastList.Add(c.cfg.Hub.JoinBatchInterval())
	}
	c.channels.lists.schedule(c, at)
}
