package socketio

import (
	"context"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// maxReplay is the maximum number of older deltas that a socket receives when it joins.
const maxReplay = 500

// entry describes how a user enters a live on a socket.
type entry struct {
	user     domain.UserID
	position int64 // position of the user's join
	replay   bool  // whether the socket also receives the deltas after since
	since    int64
}

// enter subscribes a socket to the channel and sends it a viewer list that contains the user.
func (c *channel) enter(ctx context.Context, k *protocol.Socket, e entry) error {
	first := c.subscribe(k, e)
	if first && e.replay {
		if err := c.replay(ctx, k, e.since); err != nil {
			return err
		}
	}
	if err := c.cfg.Hub.WaitFor(ctx, e.position); err != nil {
		return err
	}
	if err := c.load(ctx, e.position); err != nil {
		return err
	}
	return c.sendListTo(ctx, k, e.user, first)
}

// subscribe adds a socket. It reports false if the socket is already subscribed. A socket that is to receive older
// deltas receives nothing until replay is called.
func (c *channel) subscribe(k *protocol.Socket, e entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.users[e.user], k) {
		c.users[e.user] = append(c.users[e.user], k)
	}
	if c.subscribers[k] != nil {
		return false
	}
	counted := c.counted[k.Session()] == nil
	s := &subscription{socket: k, audience: audience{k.Namespace(), k.Recoverable(), counted}, position: e.position, since: c.position, lists: c.lists}
	s.element = c.order.PushFront(s)
	c.subscribers[k] = s
	if counted {
		c.counted[k.Session()] = s
	}
	if c.groups[s.audience] == nil {
		c.groups[s.audience] = c.newGroup()
	}
	if e.replay {
		c.replaying[s] = struct{}{}
	} else {
		c.groups[s.audience].Add(k.Session())
	}
	return true
}

// replay sends a socket the deltas after a position, and then adds it to the group.
func (c *channel) replay(ctx context.Context, k *protocol.Socket, since int64) error {
	c.mu.Lock()
	s := c.subscribers[k]
	c.mu.Unlock()
	var frames []*ws.Frame
	if since < s.since {
		deltas, err := c.cfg.Hub.Deltas(ctx, c.live, since, s.since, 2*maxReplay)
		if err != nil {
			return err
		}
		for _, d := range deltas {
			if f := liveFrame(d, s.audience.namespace, s.audience.offsets); f != nil {
				frames = append(frames, f)
			}
		}
		s.since = since
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.replaying, s)
	k.Send(append(frames, s.queued...)...)
	s.queued, s.lists = nil, c.lists // the socket has not received the lists that were sent during the replay
	c.groups[s.audience].Add(k.Session())
	return nil
}

// left records that a user is not in the live on a socket any more.
func (c *channel) left(user domain.UserID, k *protocol.Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := slices.DeleteFunc(c.users[user], func(other *protocol.Socket) bool { return other == k })
	if c.users[user] = rest; len(rest) == 0 {
		delete(c.users, user)
	}
}

func (c *channel) unsubscribe(k *protocol.Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.subscribers[k]
	if s == nil {
		return
	}
	delete(c.subscribers, k)
	if c.counted[k.Session()] == s { // another socket of the session is counted when it enters again
		delete(c.counted, k.Session())
	}
	delete(c.replaying, s)
	c.order.Remove(s.element)
	c.groups[s.audience].Remove(k.Session())
}

// since returns the position after which a socket has received every delta, and the history of the log to which the
// position belongs.
func (c *channel) since(k *protocol.Socket) (history, position int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.subscribers[k]; s != nil {
		return c.history, s.since
	}
	return c.history, c.position
}

// load reads the viewers of the live as of a position or later, unless the viewer list is complete.
func (c *channel) load(ctx context.Context, position int64) error {
	c.loading.Lock()
	defer c.loading.Unlock()
	c.mu.Lock()
	needed, history := c.viewers.short(c.cfg.ListedViewers), c.history
	c.reading, c.late = needed, nil
	c.mu.Unlock()
	if !needed {
		return nil
	}
	found, err := c.cfg.Hub.Snapshot(ctx, c.live, position)
	c.mu.Lock()
	defer c.mu.Unlock()
	late := c.late
	c.reading, c.late = false, nil
	if err == nil && history != c.history {
		err = projections.ErrBehind // the list may belong to the former history
	}
	if err != nil {
		return err
	}
	c.viewers = viewerListOf(found)
	for _, d := range late {
		c.viewers.apply(d)
	}
	return nil
}

// sendListTo ensures that a socket gets a viewer list that contains the user who has just entered.
func (c *channel) sendListTo(ctx context.Context, k *protocol.Socket, user domain.UserID, first bool) error {
	profile, err := c.profile(ctx, user)
	if err != nil {
		return err
	}
	last := change{actionJoin, userOf(profile)}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.subscribers[k]
	switch {
	case s == nil:
	case first && !c.large() && c.lists > s.lists: // the socket has already received the newest list
	case first && !c.large(): // the other sockets have a list that does not contain this socket
		c.sendList(last)
	default:
		k.Send(ws.TextFrame(c.encodeList(k.Namespace(), last)))
	}
	return nil
}

// profile returns the profile of a user. It uses the viewer list if the list contains the user.
func (c *channel) profile(ctx context.Context, user domain.UserID) (projections.Profile, error) {
	c.mu.Lock()
	if i := c.viewers.find(user); i >= 0 {
		defer c.mu.Unlock()
		return c.viewers.newest[i], nil
	}
	c.mu.Unlock()
	return c.cfg.Queries.Profile(ctx, user)
}

// refresh sends the viewer list to all sockets. If necessary, it first reads the list.
func (c *channel) refresh(ctx context.Context) error {
	c.mu.Lock()
	empty := len(c.subscribers) == 0
	c.mu.Unlock()
	if empty {
		return nil
	}
	if err := c.load(ctx, 0); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lastChange.action == "" && len(c.viewers.newest) > 0 { // the newest change belongs to a former history
		c.lastChange = change{actionJoin, userOf(c.viewers.newest[0])}
	}
	if len(c.subscribers) > 0 && !c.reset && c.lastChange.action != "" {
		c.sendList(c.lastChange)
	}
	return nil
}
