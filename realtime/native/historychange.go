package native

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// restoreRetry is the wait before a snapshot that could not be read is read again.
const restoreRetry = 200 * time.Millisecond

// HistoryChanged drops the facts of the former history. The connections in the live then get a snapshot and the facts
// after it.
func (c *channel) HistoryChanged(history, position int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropBatch()
	c.history, c.held, c.online = history, true, 0
	c.recent, c.start, c.last, c.resumable = nil, position, position, 0
	c.shared, c.newest = nil, projections.Gauges{}
	for conn := range c.acknowledged {
		c.acknowledged[conn] = position
	}
	c.restore(c, history)
}

// release sends the snapshot of a new history, and the facts that follow it, to all connections. It reports false if
// the channel no longer keeps a fact that must follow the snapshot.
func (c *channel) release(history int64, found *snapshot) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.history != history || !c.held || c.reset:
		return true // a newer change of the history sends its own snapshot
	case found.Pos < c.start:
		return false
	}
	c.flushBatch()
	c.held = false
	c.fan.Push(ws.TextFrame(encode(statePush{"snapshot", c.live, found})))
	for _, f := range c.recent {
		if f.pos > found.Pos {
			c.fan.Push(f.frame)
		}
	}
	return true
}

// restoreLater sends the snapshot of a live in the background. Call it after the history of the log has changed.
func (s *services) restoreLater(c *channel, history int64) {
	s.restoreFrom(c, history, 0)
}

// restoreFrom sends the snapshot of a live when everything up to head has been delivered; a head of 0 stands for the
// current end of the log. It retries until it succeeds or no session is in the live any more. Its waits do not block a
// worker.
func (s *services) restoreFrom(c *channel, history, head int64) {
	c.serial.Later(func() {
		if c.wasReset() || s.Hub.History() != history {
			return // nobody receives the snapshot, or a newer change has its own
		}
		ctx, cancel := context.WithTimeout(context.Background(), hub.CommandTimeout)
		defer cancel()
		var err error
		if head == 0 {
			head, err = s.Store.Head(ctx)
		}
		var found *snapshot
		if err == nil && s.Hub.Position() >= head {
			found, err = s.snapshot(ctx, c.live, head)
		}
		switch {
		case errors.Is(err, projections.ErrNotFound):
			return // the hub removes the sessions from the live
		case err != nil && !errors.Is(err, projections.ErrBehind):
			s.Log.WarnContext(ctx, "snapshot after a change of the history failed, retrying", slog.Int64("live_id", int64(c.live)), slog.Any("error", err))
		case found != nil && c.release(history, found):
			return
		case found != nil:
			head = 0 // the live has had more facts than the channel keeps
		}
		time.AfterFunc(restoreRetry, func() { s.restoreFrom(c, history, head) })
	})
}

// recoverPanic logs a panic of a function that belongs to no connection.
func (s *services) recoverPanic() {
	if p := recover(); p != nil {
		s.Log.Error("panic recovered", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
	}
}

// HistoryChanged notifies the client that its state is void, and checks the sign-in session again, because the log may
// have lost the sign-in. The user channel continues after position.
func (s *session) HistoryChanged(_, position int64) {
	s.user.hold(position)
	s.serial.Later(func() { // runs after the request that is being handled
		ctx, cancel := context.WithTimeout(context.Background(), hub.CommandTimeout)
		defer cancel()
		err := s.restore(ctx, position)
		if refusal := domain.AsRefusal(err); refusal != nil && closeCodeOf(refusal.Code) != 0 {
			s.Revoke(refusal)
		} else if err != nil {
			s.Log.WarnContext(ctx, "session not continued after a change of the history, client must reconnect", slog.Any("error", err))
			s.Reset()
		}
	})
}

// restore continues the connection in a new history of the log.
func (s *session) restore(ctx context.Context, position int64) error {
	identity := s.Identity()
	if identity.User == 0 || s.Ended() {
		return errReset // a hello was being handled when the history changed
	}
	user, err := s.Hub.CheckSession(ctx, identity)
	if err != nil {
		return err
	}
	reply, err := s.helloReply(ctx, identity, position, user.Balance)
	if err != nil {
		return err
	}
	s.user.open(ws.TextFrame(encode(connectionPush{"reset", resetInfo{reply.Epoch, reply.Cursor, reply.Balance}})), nil, position)
	return s.restoreChat(ctx)
}

// Restart does nothing, because HistoryChanged also restarts the chat session.
func (s *session) Restart() {}

// restoreChat sends the content of the chat in a new history of the log, if the connection is in the chat.
func (s *session) restoreChat(ctx context.Context) error {
	if s.chatSession == nil {
		return nil
	}
	c := s.inChat()
	rooms, err := c.Restart(ctx)
	if err != nil {
		return err
	}
	for _, id := range rooms {
		var room projections.ChatRoom
		if id != "" {
			if room, err = s.Chat.Room(ctx, string(id)); err != nil {
				return err
			}
		}
		c.Unsubscribe(id) // the snapshot contains the updates up to now
		c.Subscribe(id)
		reply, err := s.chatSince(ctx, id, "")
		if err != nil {
			return err
		}
		s.conn.Send(ws.TextFrame(encode(chatPush{Type: "chat.snapshot", Room: id, Data: s.describeChat(reply, room)})))
		c.StartFrom(id, reply.Pos+1)
	}
	return nil
}

// RemoveFrom removes the connection from a live, if it is in the live, and sends the reason.
func (s *session) RemoveFrom(live domain.LiveID, position int64, p *hub.Problem) {
	s.serial.Later(func() { // runs after the request that is being handled, which may be a join of the live
		joined := s.Hub.JoinedAfter(hub.Membership{User: s.Identity().User, Live: live}, position)
		if !joined && s.leaveLive(live, domain.LeaveRemoved) {
			s.conn.Send(ws.TextFrame(encode(statePush{"removed", live, removedInfo{p.Code, p.Text, p.TextZH}})))
		}
	})
}
