package socketio

import (
	"context"
	"log/slog"
	"math"
	"strconv"

	"roomlog/domain"
	"roomlog/realtime/hub"
)

// lost is a socket that may come back.
type lost struct {
	in    []place
	since int64 // everything after it has been told
}

// place is a person in a room.
type place struct {
	caller hub.Identity
	live   domain.LiveID
}

// keep answers what a recovery needs to know, or nil if there cannot be one: the newest offset that a client
// knows says nothing about other rooms.
func (v *visitor) keep() any {
	was := &lost{}
	for _, g := range v.guests {
		for live, r := range g.rooms {
			if len(was.in) > 0 && was.in[0].live != live {
				return nil
			}
			was.in = append(was.in, place{g.Identity(), live})
			was.since = r.since(v)
		}
	}
	return was
}

// restore implements protocol.Recovery: a socket can be recovered if what it missed can be told. It cannot if the
// last text that it heard at the end of an event was none of our offsets, but said something.
func (d *Door) restore(kept any, offset string) (any, bool) {
	was := *kept.(*lost)
	if offset != "" {
		position, err := strconv.ParseInt(offset, 10, 64)
		if err != nil || position < 0 {
			return nil, false
		}
		was.since = max(was.since, position)
	}
	if len(was.in) == 0 {
		return &was, true
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	missed, err := d.cfg.Hub.Deltas(ctx, was.in[0].live, was.since, math.MaxInt64, maxReplay+1)
	if err != nil {
		d.cfg.Log.WarnContext(ctx, "a socket could not be recovered", slog.Any("err", err))
	}
	return &was, err == nil && len(missed) <= maxReplay
}

// comeBack puts a recovered socket where it was.
func (v *visitor) comeBack(was *lost) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, p := range was.in {
		if err := v.join(ctx, p.caller, p.live, true, was.since); err != nil {
			v.refuse(ctx, "recovery", err, true)
		}
	}
}
