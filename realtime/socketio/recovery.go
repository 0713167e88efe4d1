package socketio

import (
	"context"
	"errors"
	"log/slog"
	"math"

	"roomlog/domain"
	"roomlog/projections/feed"
	"roomlog/realtime/hub"
)

// recoverable is the state of a lost socket that a client may recover.
type recoverable struct {
	memberships []membership // users in one live
	history     int64        // number of the history of the log to which since belongs
	since       int64        // position up to which the socket has received every delta
}

// membership is a user in a live.
type membership struct {
	by   hub.Identity
	live domain.LiveID
}

// recoverable returns the state that a recovery of the socket needs. It returns nil if the socket is in several lives,
// because a client sends an offset for only one of them.
func (s *session) recoverable() any {
	state := &recoverable{history: s.cfg.Hub.History()}
	for _, c := range s.clients {
		for live, channel := range c.lives {
			if len(state.memberships) > 0 && state.memberships[0].live != live {
				return nil
			}
			state.memberships = append(state.memberships, membership{c.Identity(), live})
			state.history, state.since = channel.since(s.socket)
		}
	}
	return state
}

// restore does the work of protocol.Recovery.Restore. A socket can be recovered if the deltas that it has missed can
// be sent. It cannot be recovered if the log has lost facts that the socket has received. It also cannot be recovered
// if the offset, the last string argument that the client has received, is not the cursor of an event.
func (c *core) restore(kept any, offset string) (any, bool) {
	state := *kept.(*recoverable)
	if state.history != c.cfg.Hub.History() {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	position, err := c.cfg.Hub.ParseCursor(ctx, offset)
	if err != nil {
		return nil, false
	}
	state.since = max(state.since, position)
	if len(state.memberships) == 0 {
		return &state, true
	}
	missed, err := c.cfg.Hub.Deltas(ctx, state.memberships[0].live, state.since, math.MaxInt64, maxReplay+1)
	if err != nil && !errors.Is(err, feed.ErrTooMany) {
		c.cfg.Log.WarnContext(ctx, "Socket.IO socket could not be recovered", slog.Any("error", err))
	}
	return &state, err == nil && len(missed) <= maxReplay
}

// rejoin makes a recovered socket join its live again.
func (s *session) rejoin(state *recoverable) {
	ctx, cancel := requestContext(s.socket)
	defer cancel()
	for _, m := range state.memberships {
		if err := s.join(ctx, m.by, m.live, true, state.since); err != nil {
			s.notify(ctx, s.socket, "recovery", err, true)
		}
	}
}
