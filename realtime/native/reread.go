package native

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"roomlog/projections"
	"roomlog/projections/delivery"
	"roomlog/projections/feed"
)

// readTries is the maximum number of reads of the log for one session. The first read also serves other sessions, and
// may find too many facts for all of them together. Another read is necessary if facts were pushed meanwhile.
const readTries = 3

// keepFrom makes a channel keep the facts after pos. It reads the facts that the channel does not keep from the log.
// One read serves all sessions that need facts at the same time, as when many clients reconnect at once. keepFrom
// reports false if the log has more than maxResume facts after pos, or too many changes to search them.
// entered is the position of the user's join: if the join were pushed during the read, the read would be repeated.
func (s *session) keepFrom(ctx context.Context, c *channel, history, pos, entered int64) (bool, error) {
	if c.tooMany(history, pos) {
		return false, nil
	}
	c.want(pos)
	select {
	case c.reading <- struct{}{}:
		defer func() { <-c.reading }()
	case <-ctx.Done():
		return false, fmt.Errorf("wait for the facts of a live: %w", ctx.Err())
	}
	after := min(pos, c.takeWanted())
	if c.tooMany(history, after) {
		after = pos
	}
	for range readTries {
		switch {
		case c.keeps(history, pos):
			return true, nil
		case c.tooMany(history, pos): // an earlier read has found it
			return false, nil
		}
		if err := s.Hub.WaitFor(ctx, max(c.oldest(), entered)); err != nil {
			return false, err
		}
		erasures := c.countErasures()
		upTo := s.Hub.Position() // the channel has delivered every fact up to this position, and keeps later facts
		facts, err := s.Hub.Deltas(ctx, c.live, after, upTo, maxResume+1)
		tooMany := errors.Is(err, feed.ErrTooMany) || len(facts) > maxResume
		switch {
		case err != nil && !tooMany:
			return false, err
		case !tooMany:
			c.keep(history, erasures, after, upTo, facts)
		default:
			c.recordTooMany(history, after)
		}
		after = pos
	}
	return c.keeps(history, pos), nil
}

// want records that a session needs the facts after pos.
func (c *channel) want(pos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = min(c.wanted, pos)
}

// takeWanted returns the smallest position that waiting sessions want, and forgets it.
func (c *channel) takeWanted() (pos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pos, c.wanted = c.wanted, math.MaxInt64
	return pos
}

// recordTooMany records that the log contains more than maxResume facts of the live after pos.
func (c *channel) recordTooMany(history, pos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.history == history {
		c.resumable = max(c.resumable, pos+1)
	}
}

// tooMany reports whether a read has found more than maxResume facts after pos or a later position. This stays true until
// the history of the log changes, because facts are only added.
func (c *channel) tooMany(history, pos int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.history == history && pos < c.resumable
}

// keeps reports whether the channel keeps all facts after pos.
func (c *channel) keeps(history, pos int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.history == history && c.start <= pos
}

// countErasures returns the number of calls of UserForgotten.
func (c *channel) countErasures() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.erasures
}

// keep replaces the facts up to upTo by those of the log with after < position ≤ upTo. erasures is the result of
// countErasures before they were read. keep does nothing if a fact between these and the later facts of the channel may
// be missing. It also does nothing if the channel has begun again, or if a user was erased meanwhile.
func (c *channel) keep(history, erasures, after, upTo int64, deltas []projections.Delta) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.history != history || c.erasures != erasures || c.held || c.reset {
		return
	}
	c.flushBatch() // the batch may contain some of the deltas
	counted := make(map[int64]*delivery.Delivery)
	for _, f := range c.recent {
		counted[f.pos] = f.delivery
	}
	facts, have := make([]fact, 0, len(deltas)+len(c.recent)), after
	for _, d := range deltas {
		f := newFact(d, have)
		f.delivery = counted[d.Position] // the gift may have been pushed before
		facts = append(facts, f)
		have = d.Position
	}
	later := c.recent
	for len(later) > 0 && later[0].pos <= upTo {
		later = later[1:]
	}
	if len(later) > 0 && later[0].prev > have {
		return
	}
	facts = append(facts, later...)
	applyRemovals(c.live, facts, 0) // a comment may have been removed since the facts were read
	c.start, c.recent = after, facts
	if over := len(facts) - channelHistory; over > 0 {
		c.start, c.recent = facts[over-1].pos, slices.Clone(facts[over:])
	}
	if len(facts) > 0 {
		c.last = facts[len(facts)-1].pos
	}
}
