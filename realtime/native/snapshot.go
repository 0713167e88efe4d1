package native

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"

	"roomlog/realtime/ws"
)

// sharedSnapshot is a snapshot of a live that all sessions may use until something in it changes.
type sharedSnapshot struct {
	history  int64     // number of the history of the log to which it belongs
	profiles int64     // result of Hub.ProfileChanges before it was read
	read     int64     // number of its read, see channel.reads
	at       time.Time // time at which its read began
	pos      int64     // position as of which it is
	json     []byte
}

// reply returns the reply to a join.
func (f *sharedSnapshot) reply(re string) *ws.Frame {
	empty := encode(replyFrame{re, "ok", joinReply{}})
	text := bytes.NewBuffer(make([]byte, 0, len(empty)+len(f.json)+len(`"snapshot":`)))
	text.Write(bytes.TrimSuffix(empty, []byte("}}")))
	text.WriteString(`"snapshot":`)
	text.Write(f.json)
	text.WriteString("}}")
	return ws.TextFrame(text.Bytes())
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

// current returns the shared snapshot if a session can use it: if it was read at the time oldest or later, no fact was sent
// since, and no profile has changed. Facts that wait in the batch follow the snapshot. A snapshot with a read after the read asked is used as well: it is
// as new as one that the session would read itself. current also returns the number of the newest read.
func (c *channel) current(oldest time.Time, profiles, asked int64) (found *sharedSnapshot, reads int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f := c.shared; {
	case f == nil, f.history != c.history, f.profiles != profiles, f.at.Before(oldest):
	case f.pos < c.start:
	case f.read > asked, c.last <= f.pos:
		found = f
	}
	return found, c.reads
}

// beginRead counts a read of a snapshot, and returns its number.
func (c *channel) beginRead() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	return c.reads
}

// share makes a snapshot available to all sessions.
func (c *channel) share(found *sharedSnapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.history == found.history && !c.held {
		c.shared = found
	}
}
