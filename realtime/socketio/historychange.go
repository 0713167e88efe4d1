package socketio

import (
	"context"

	"roomlog/domain"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// HistoryChanged discards the viewer list of the former history. All sockets then get the list of the new history.
func (c *channel) HistoryChanged(history, position int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history, c.position = history, position
	c.viewers, c.late, c.lastChange = viewerList{}, nil, change{}
	for _, s := range c.subscribers {
		s.since, s.position, s.queued = position, min(s.position, position), nil
	}
	c.delay(c, c.cfg.Now())
}

// HistoryChanged lets the hub check the session. The channels of the lives send the viewer lists.
func (c *liveClient) HistoryChanged(int64, int64) { c.session.cfg.Hub.CheckLater(c) }

// RemoveFrom removes the user from a live and sends the reason. The socket stays connected.
func (c *liveClient) RemoveFrom(live domain.LiveID, position int64, p *hub.Problem) {
	s := c.session
	s.socket.Session().Later(func() { // runs after the event that is being handled, which may be a join of the live
		if s.clients[c.user()] == c && c.lives[live] != nil && !s.cfg.Hub.JoinedAfter(hub.Membership{User: c.user(), Live: live}, position) {
			s.leave(c, live, domain.LeaveRemoved)
			s.notify(context.Background(), s.socket, "", p, false)
		}
	})
}

// HistoryChanged checks the sign-in session again, because the log may have lost the sign-in, and sends the balance and
// the profile.
func (a *accountClient) HistoryChanged(int64, int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.revoked {
		return
	}
	a.open, a.waiting = false, nil
	a.socket.Session().Later(func() {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		if err := a.start(ctx, true); err != nil {
			a.fail(ctx, err)
		}
	})
}

// RemoveFrom does nothing: the client is in no live.
func (a *accountClient) RemoveFrom(domain.LiveID, int64, *hub.Problem) {}

// HistoryChanged holds private messages back until Restart has checked the sign-in session.
func (c *chatClient) HistoryChanged(int64, int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unchecked, c.waiting = true, nil
}

// RemoveFrom does nothing: the client is in no live.
func (c *chatClient) RemoveFrom(domain.LiveID, int64, *hub.Problem) {}

// Restart enters the chat again, if the log has lost the entry, and sends the newest messages.
func (c *chatClient) Restart() {
	c.socket.Session().Later(func() {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		if err := c.restart(ctx); err != nil {
			c.fail(ctx, err)
		}
	})
}

func (c *chatClient) restart(ctx context.Context) error {
	if c.by.User != 0 && !c.Ended() {
		_, err := c.cfg.Hub.CheckSession(ctx, c.by)
		if refusal := domain.AsRefusal(err); refusal != nil {
			c.Revoke(refusal)
			return nil
		}
		if err != nil {
			return err
		}
		c.checked()
	}
	if _, err := c.chat.Restart(ctx); err != nil {
		return err
	}
	switch {
	case c.profile == profileRooms && c.by.User != 0 && !c.Ended():
		return c.handleHistory(ctx, &protocol.Event{})
	case c.profile == profilePlain && c.name != "":
		return c.handlePlainHistory(ctx, &protocol.Event{})
	}
	return nil
}

// checked sends the private messages that have waited for the check of the sign-in session.
func (c *chatClient) checked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.waiting {
		c.sendPrivate(d)
	}
	c.unchecked, c.waiting = false, nil
}
