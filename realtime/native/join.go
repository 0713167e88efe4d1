package native

import (
	"context"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// snapshotTries bounds how often a snapshot is read again because the room ran away meanwhile.
const snapshotTries = 3

// join puts a connection into a room: answered with what it missed since it was there, or with a snapshot,
// followed by everything that comes after, without a gap and without a double.
func (s *session) join(ctx context.Context, re string, data joinData) error {
	if _, again := s.channels[data.Live]; !again {
		if err := s.server.hub.CheckLives(len(s.channels)); err != nil {
			return err
		}
	}
	at, err := s.server.hub.Enter(ctx, s, data.Live)
	if err != nil {
		return err
	}
	r := s.channels[data.Live]
	if r == nil {
		r = s.server.hold(data.Live)
		s.channels[data.Live] = r
	}
	r.fan.Remove(s.conn)
	if err = s.attach(ctx, r, re, data.Since, at); err != nil {
		s.leave(data.Live, domain.LeaveConnectionLost)
	}
	return err
}

// attach sends what there is of a room that the person entered at a position.
func (s *session) attach(ctx context.Context, r *channel, re string, since *sinceData, entered int64) error {
	if since != nil && since.Epoch == s.server.epoch && since.Pos >= 0 {
		if done, err := s.resume(ctx, r, re, since.Pos); done || err != nil {
			return err
		}
	}
	for range snapshotTries {
		found, err := s.server.hub.Snapshot(ctx, r.live, entered)
		if err != nil {
			return err
		}
		// The tables may know what has not been pushed yet: it must not be told twice.
		if err := s.server.hub.WaitFor(ctx, found.Position); err != nil {
			return err
		}
		answer := ws.TextFrame(encode(outbound{re, "ok", joined{Snapshot: snapshotOf(s.server.epoch, found)}}))
		if r.attach(s.conn, opening{func(int64) *ws.Frame { return answer }, nil, found.Position, found.Position}) {
			return nil
		}
	}
	return projections.ErrBehind
}

// resume sends what a client missed since pos; it answers false if that is too much, or not of this log.
func (s *session) resume(ctx context.Context, r *channel, re string, pos int64) (done bool, err error) {
	if pos > s.server.hub.Position() { // it comes from a process that was faster, or from nowhere
		head, err := s.server.cfg.Store.Head(ctx)
		if err != nil || pos > head {
			return false, err
		}
		if err := s.server.hub.WaitFor(ctx, pos); err != nil {
			return false, err
		}
	}
	answer := func(to int64) *ws.Frame {
		return ws.TextFrame(encode(outbound{re, "ok", joined{Resumed: &[2]int64{pos + 1, max(to, s.server.hub.Position())}}}))
	}
	if r.attach(s.conn, opening{answer, nil, pos, pos}) {
		return true, nil
	}
	for range 2 { // again, if the first fact that the channel keeps came while the log was read
		if err := s.server.hub.WaitFor(ctx, r.oldest()); err != nil {
			return false, err
		}
		upTo := s.server.hub.Position() // the room has told everything up to here, and remembers what comes
		facts, err := s.server.cfg.Feed.LiveDeltas(ctx, r.live, pos, upTo, maxResume+1)
		if err != nil || len(facts) > maxResume {
			return false, err
		}
		missed, have := make([]*ws.Frame, 0, len(facts)), pos
		for _, d := range facts {
			missed = append(missed, factFrame(d, have))
			have = d.Position
		}
		if r.attach(s.conn, opening{answer, missed, have, upTo}) {
			return true, nil
		}
	}
	return false, nil
}

// leave takes a connection out of a room; it answers whether it was in it.
func (s *session) leave(live domain.LiveID, cause domain.LeaveCause) bool {
	r := s.channels[live]
	if r == nil {
		return false
	}
	delete(s.channels, live)
	r.fan.Remove(s.conn)
	s.server.release(r)
	s.server.hub.Leave(s, live, cause)
	return true
}
