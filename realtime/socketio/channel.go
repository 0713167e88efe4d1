package socketio

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/delivery"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// channel delivers the events of one live to the sockets in the live. It implements hub.Subscriber.
type channel struct {
	cfg      *Config
	live     domain.LiveID
	newGroup func() *engineio.Group
	delay    func(*channel, time.Time) // schedules a refresh of the viewer list
	survey   func(*channel, time.Time) // schedules a survey of the sockets of the other nodes
	refs     int                       // number of calls of acquire minus calls of release; guarded by channels.mu

	loading sync.Mutex // locked while the viewer list is read; locked before mu

	mu          sync.Mutex
	reset       bool
	history     int64 // number of the history of the log to which position belongs
	position    int64 // position of the newest delta that was delivered
	subscribers map[*protocol.Socket]*subscription
	counted     map[*engineio.Session]*subscription  // for each session, the subscription whose gifts are counted
	users       map[domain.UserID][]*protocol.Socket // the sockets on which a user is in the live
	groups      map[audience]*engineio.Group
	order       list.List      // all subscriptions, newest first
	others      []listedSocket // newest sockets of the other nodes, newest first
	lastSurvey  time.Time      // time of the last survey of the other nodes
	replaying   map[*subscription]struct{}
	viewers     viewerList
	late        []projections.Delta // joins, leaves and changed profiles that arrived while the viewer list was being read
	reading     bool                // whether the viewer list is being read
	lists       int                 // number of viewer lists that were sent to all sockets
	lastList    time.Time
	lastChange  change
}

// audience is the sockets that receive the same frames.
type audience struct {
	namespace string
	offsets   bool // whether the sockets receive the cursor of an event after its arguments
	counted   bool // whether the gifts that the sockets receive are counted: at most one socket of each session
}

// subscription is a socket's membership in a channel.
type subscription struct {
	socket   *protocol.Socket
	audience audience
	position int64 // position of the log when the user of the socket joined
	element  *list.Element
	since    int64       // the socket gets every delta after this position
	lists    int         // channel.lists when the socket subscribed
	queued   []*ws.Frame // frames that were sent to all sockets while this socket was replaying
}

// change is the newest join or leave of a live.
type change struct {
	action string
	user   userDTO
}

const (
	actionJoin  = "join"
	actionLeave = "leave"
)

func newChannel(cfg *Config, live domain.LiveID, newGroup func() *engineio.Group, delay, survey func(*channel, time.Time)) *channel {
	c := &channel{
		cfg: cfg, live: live, newGroup: newGroup, groups: make(map[audience]*engineio.Group), delay: delay, survey: survey,
		subscribers: make(map[*protocol.Socket]*subscription), counted: make(map[*engineio.Session]*subscription),
		users: make(map[domain.UserID][]*protocol.Socket), replaying: make(map[*subscription]struct{}),
	}
	c.mu.Lock() // delivery waits until position is set
	defer c.mu.Unlock()
	c.history, c.position = cfg.Hub.Subscribe(live, c)
	return c
}

// Deliver sends a delta of the live to all sockets.
func (c *channel) Deliver(d projections.Delta) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch d.Kind {
	case projections.KindViewerProfile:
		c.count(d)
		if c.lastChange.user.ID == d.User {
			c.lastChange.user = userOf(d.Profile)
		}
		c.push(d)
	case projections.KindJoin:
		c.count(d)
		c.changed(change{actionJoin, userOf(d.Profile)})
	case projections.KindLeave:
		c.count(d)
		c.changed(change{actionLeave, userOf(d.Profile)})
		if len(c.others) > 0 { // the viewer may have left because the node was lost
			c.scheduleSurvey()
		}
	default:
		c.push(d)
	}
	c.position = d.Position
}

// DeliverGauges does nothing, because these clients get the numbers from the viewer list.
func (c *channel) DeliverGauges(projections.Gauges) {}

// UserForgotten does nothing: the channel keeps no events, and the user leaves the viewer list with the session.
func (c *channel) UserForgotten() {}

// Reset ends the Engine.IO sessions of all sockets, so that their clients reconnect.
func (c *channel) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset = true
	for k := range c.subscribers {
		k.Session().Fail("transport close")
	}
}

func (c *channel) wasReset() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reset
}

// push sends a comment, a gift or a changed profile to all sockets. It encodes the frame once for each audience.
func (c *channel) push(d projections.Delta) {
	counted := c.counterOf(d)
	for a, group := range c.groups {
		f := liveFrame(d, a.namespace, a.offsets)
		switch {
		case f == nil:
			return
		case a.counted && counted != nil: // what is sent again does not count
			group.Push(f.WithCounter(counted))
		default:
			group.Push(f)
		}
		for s := range c.replaying {
			if s.audience == a {
				s.queued = append(s.queued, f)
			}
		}
	}
}

// giftCounter counts a gift for the sessions of a channel.
type giftCounter struct {
	of       *delivery.Delivery
	streamer domain.UserID
	sessions []int64 // numbers of the sessions on which the streamer was in the live when the gift was pushed
}

// Written counts the session with a number.
func (r *giftCounter) Written(session int64) {
	if slices.Contains(r.sessions, session) {
		r.of.Written(int64(r.streamer))
	} else {
		r.of.Written(0)
	}
}

// counterOf returns the write counter of a delta, or nil if the delta is not counted.
func (c *channel) counterOf(d projections.Delta) *giftCounter {
	counted := c.cfg.Deliveries.Of(d)
	gift, ok := d.Event.(domain.GiftSent)
	if counted == nil || !ok {
		return nil
	}
	r := &giftCounter{of: counted, streamer: gift.Streamer}
	for _, k := range c.users[gift.Streamer] {
		r.sessions = append(r.sessions, k.Session().Number())
	}
	return r
}

// count applies a join, a leave or a changed profile to the viewer list.
func (c *channel) count(d projections.Delta) {
	c.viewers.apply(d)
	if c.reading {
		c.late = append(c.late, d)
	}
}

// changed sends the viewer list to all sockets after a join or leave. If the live is large, or the list must be read
// first, it sends the list later.
func (c *channel) changed(last change) {
	c.lastChange = last
	switch now := c.cfg.Now(); {
	case len(c.subscribers) == 0 || !c.viewers.ready: // the first socket gets the list when it joins
	case c.viewers.short(c.cfg.ListedViewers):
		c.delay(c, now)
	case c.large() && now.Before(c.lastList.Add(c.cfg.Hub.JoinBatchInterval())):
		c.delay(c, c.lastList.Add(c.cfg.Hub.JoinBatchInterval()))
	default:
		c.sendList(last)
	}
}

// large reports whether the live has so many viewers that viewer lists are sent at intervals.
func (c *channel) large() bool {
	bound := c.cfg.Hub.LargeLive()
	return bound > 0 && c.viewers.total > int64(bound)
}

// sendList sends the viewer list to all sockets.
func (c *channel) sendList(last change) {
	c.lists++
	c.lastList = c.cfg.Now()
	for a, group := range c.groups {
		group.PushEncoded(func() *ws.Frame {
			return ws.DroppableFrame(c.encodeList(a.namespace, last), ws.Span{Group: int64(c.live)})
		})
	}
}

// encodeList returns the payload of the viewer list for the sockets of a namespace.
func (c *channel) encodeList(namespace string, last change) []byte {
	dto := viewerListDTO{Clients: []string{}, Action: last.action, User: last.user, Data: []userDTO{}, Total: c.viewers.total}
	for _, s := range c.newestSockets() {
		dto.Clients = append(dto.Clients, s.ID)
	}
	for _, p := range c.viewers.newest[:min(len(c.viewers.newest), c.cfg.ListedViewers)] {
		dto.Data = append(dto.Data, userOf(p))
	}
	return protocol.Payload(namespace, "online", dto)
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
	c.survey(c, c.lastSurvey.Add(c.cfg.Hub.JoinBatchInterval()))
}

// inUse reports whether the channel has sockets.
func (c *channel) inUse() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.subscribers) > 0 && !c.reset
}

// beginSurvey records the time of a survey.
func (c *channel) beginSurvey() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastSurvey = c.cfg.Now()
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
	c.delay(c, at)
}
