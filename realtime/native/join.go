package native

import (
	"context"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// snapshotTries is the maximum number of reads of a snapshot. It is read again if the channel no longer keeps all facts
// that follow it.
const snapshotTries = 3

// onJoin adds the session to a live. The reply contains the facts that the client missed since its position, or a
// snapshot. Later facts are sent after the reply, without a gap and without a repetition.
func (s *session) onJoin(ctx context.Context, r request, data joinData) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	if _, again := s.joined[data.Live]; !again {
		if err := s.Hub.CheckLives(len(s.joined)); err != nil {
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
	c.fan.Remove(s.conn)
	if err = s.attach(ctx, c, r.ID, data.Since, entered); err != nil {
		s.leaveLive(data.Live, domain.LeaveConnectionLost)
	}
	return nil, err
}

// attach replies to a join and attaches the connection to the channel. entered is the position of the user's join.
func (s *session) attach(ctx context.Context, c *channel, re string, since *sinceData, entered int64) error {
	if since != nil && since.Epoch == s.epoch && since.Pos >= 0 {
		if done, err := s.resume(ctx, c, re, since.Pos); done || err != nil {
			return err
		}
	}
	for range snapshotTries {
		found, err := s.Hub.Snapshot(ctx, c.live, entered)
		if err != nil {
			return err
		}
		// The snapshot may contain facts that the hub has not delivered yet. They must not be sent twice.
		if err := s.Hub.WaitFor(ctx, found.Position); err != nil {
			return err
		}
		reply := replyTo(re, joinReply{Snapshot: snapshotOf(s.epoch, found)})
		if c.attach(s.conn, opening{func(int64) *ws.Frame { return reply }, nil, found.Position, found.Position}) {
			return nil
		}
	}
	return projections.ErrBehind
}

// resume sends the facts after pos that a client missed. It reports false if there are too many, or if pos is after the
// head of the log.
func (s *session) resume(ctx context.Context, c *channel, re string, pos int64) (done bool, err error) {
	if pos > s.Hub.Position() { // the client's previous node was faster, or the position is invented
		head, err := s.Store.Head(ctx)
		if err != nil || pos > head {
			return false, err
		}
		if err := s.Hub.WaitFor(ctx, pos); err != nil {
			return false, err
		}
	}
	reply := func(to int64) *ws.Frame {
		return replyTo(re, joinReply{Resumed: &[2]int64{pos + 1, max(to, s.Hub.Position())}})
	}
	if c.attach(s.conn, opening{reply, nil, pos, pos}) {
		return true, nil
	}
	for range 2 { // a second time if facts were pushed while the log was read
		if err := s.Hub.WaitFor(ctx, c.oldest()); err != nil {
			return false, err
		}
		upTo := s.Hub.Position() // the channel has delivered every fact up to this position, and keeps later facts
		facts, err := s.Hub.Deltas(ctx, c.live, pos, upTo, maxResume+1)
		if err != nil || len(facts) > maxResume {
			return false, err
		}
		missed, have := make([]*ws.Frame, 0, len(facts)), pos
		for _, d := range facts {
			missed = append(missed, factFrame(d, have))
			have = d.Position
		}
		if c.attach(s.conn, opening{reply, missed, have, upTo}) {
			return true, nil
		}
	}
	return false, nil
}

func (s *session) onLeave(_ context.Context, _ request, data leaveData) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	return leaveReply{s.leaveLive(data.Live, domain.LeaveRequested)}, nil
}

// checkLive refuses a request that names no live.
func checkLive(live domain.LiveID) error {
	if live < 1 {
		return badRequest("live must be the ID of a live")
	}
	return nil
}
