package native

import (
	"context"
	"errors"
	"fmt"
	"math"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// snapshotTries is the maximum number of times that a snapshot is read. It is read again if the channel no longer keeps
// all facts that follow it.
const snapshotTries = 3

// onJoin adds the connection to a live. The reply contains a snapshot, or the facts that the client has missed. Later
// facts are sent after the reply, without a gap and without a repetition.
func (s *session) onJoin(ctx context.Context, r request, data joinData) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	if _, again := s.joined[data.Live]; !again {
		if err := s.leaveEnded(ctx); err != nil {
			return nil, err
		}
	}
	entered, err := s.Hub.Enter(ctx, s, data.Live)
	if err != nil {
		return nil, err
	}
	c := s.joined[data.Live]
	if c == nil {
		c = s.channels.hold(data.Live)
		s.joined[data.Live] = c
	}
	c.remove(s.conn)
	if err = s.attach(ctx, c, r.ID, data.Since, entered); err != nil {
		s.leaveLive(data.Live, domain.LeaveConnectionLost)
	}
	return nil, err
}

// leaveEnded leaves the lives that have ended, if the connection is in the maximum number of lives.
func (s *session) leaveEnded(ctx context.Context) error {
	var all []hub.Membership
	for live := range s.joined {
		all = append(all, hub.Membership{User: s.Identity().User, Live: live})
	}
	ended, err := s.Hub.CheckLives(ctx, all)
	for _, m := range ended {
		s.leaveLive(m.Live, domain.LeaveLiveEnded)
	}
	return err
}

// attach replies to a join and adds the connection to the channel. entered is the position of the user's join.
func (s *session) attach(ctx context.Context, c *channel, re, since string, entered int64) error {
	if since != "" {
		if done, err := s.resume(ctx, c, re, since, entered); done || err != nil {
			return err
		}
	}
	for range snapshotTries {
		found, err := s.sharedSnapshot(ctx, c, entered)
		if err != nil {
			return err
		}
		reply := found.reply(re)
		if c.attach(s.conn, opening{history: found.history, reply: func(int64) *ws.Frame { return reply }, have: found.pos, snapshot: true}) {
			return nil
		}
	}
	return projections.ErrBehind
}

// sharedSnapshot returns a snapshot of the live of a channel: the newest one that a session has read if nothing in it has
// changed, and otherwise a new one. Sessions that need a new one at the same time share one read.
func (s *session) sharedSnapshot(ctx context.Context, c *channel, position int64) (*sharedSnapshot, error) {
	found, reads := c.current(s.Now().Add(-s.SnapshotAge), s.Hub.ProfileChanges(), math.MaxInt64)
	if found != nil {
		return found, nil
	}
	select {
	case c.snapshotting <- struct{}{}:
		defer func() { <-c.snapshotting }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the snapshot of a live: %w", ctx.Err())
	}
	if found, _ = c.current(s.Now().Add(-s.SnapshotAge), s.Hub.ProfileChanges(), reads); found != nil {
		return found, nil
	}
	found = &sharedSnapshot{history: s.Hub.History(), profiles: s.Hub.ProfileChanges(), read: c.beginRead(), at: s.Now()}
	read, err := s.snapshot(ctx, c.live, position)
	if err != nil {
		return nil, err
	}
	found.pos, found.json = read.Pos, encode(read)
	c.share(found)
	return found, nil
}

// snapshot returns the state of a live as of a position up to which the hub has delivered all deltas. If the tables do
// not contain the live, it waits until they have reached position.
func (s *services) snapshot(ctx context.Context, live domain.LiveID, position int64) (*snapshot, error) {
	found, err := s.Hub.Snapshot(ctx, live, position)
	if err != nil {
		return nil, err
	}
	// The snapshot may contain facts that the hub has not delivered yet. They must not be sent twice.
	if err := s.Hub.WaitFor(ctx, found.Position); err != nil {
		return nil, err
	}
	cursor, err := s.Store.Cursor(ctx, found.Position)
	if err != nil {
		return nil, err
	}
	return snapshotOf(s.epoch(), cursor, found), nil
}

// resume sends the facts after a cursor that a client has missed. It reports false if there are too many, or if the log
// does not contain the event of the cursor. entered is the position of the user's join.
func (s *session) resume(ctx context.Context, c *channel, re, since string, entered int64) (done bool, err error) {
	history := s.Hub.History()
	pos, found := c.find(since)
	if !found {
		pos, err = s.Store.ParseCursor(ctx, since)
		if errors.Is(err, eventstore.ErrCursorLost) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	if err := s.Hub.WaitFor(ctx, pos); err != nil { // the previous node of the client was ahead of this one
		return false, err
	}
	reply := func(to int64) *ws.Frame {
		return replyTo(re, joinReply{Resumed: &[2]int64{pos + 1, max(to, s.Hub.Position())}})
	}
	if c.attach(s.conn, opening{history: history, reply: reply, have: pos}) {
		return true, nil
	}
	if kept, err := s.keepFrom(ctx, c, history, pos, entered); err != nil || !kept {
		return false, err
	}
	return c.attach(s.conn, opening{history: history, reply: reply, have: pos}), nil
}

func (s *session) onLeave(_ context.Context, _ request, data leaveData) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	return leaveReply{s.leaveLive(data.Live, domain.LeaveRequested)}, nil
}

// checkLive refuses a request without the id of a live.
func checkLive(live domain.LiveID) error {
	if live < 1 {
		return badRequest("live must be the ID of a live")
	}
	return nil
}
