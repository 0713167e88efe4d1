package realtime

import (
	"context"

	"roomlog/domain"
	"roomlog/projections"
)

// Subscriber is who is told what happens in a room, beside the connections of the native dialect. Its methods
// are called one after another and must not wait.
type Subscriber interface {
	// Tell is called for every public fact of the room, in order, and for every profile that somebody changed.
	Deliver(d projections.Delta)
	// Cut is called when facts were missed: whoever is there has to come back. Nothing more is told.
	Reset()
}

// Subscribe has a told what happens in a room after the position it answers.
func (d *Door) Subscribe(live domain.LiveID, a Subscriber) (from int64) {
	h := d.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.audiences[live] == nil {
		h.audiences[live] = make(map[Subscriber]struct{})
	}
	h.audiences[live][a] = struct{}{}
	return h.asOf.Load()
}

// Unsubscribe ends what Attend began: a is told nothing more.
func (d *Door) Unsubscribe(live domain.LiveID, a Subscriber) {
	h := d.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.audiences[live], a)
	if len(h.audiences[live]) == 0 {
		delete(h.audiences, live)
	}
}

// LiveDeltas answers the first limit deltas of a room after one position up to another, from the log.
func (d *Door) Deltas(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error) {
	return d.cfg.Feed.LiveDeltas(ctx, live, after, upTo, limit)
}

// tellAudiences tells a delta to those whom it concerns.
func (h *hub) tellAudiences(d projections.Delta) {
	switch {
	case d.Public():
		for a := range h.audiences[d.Live] {
			a.Deliver(d)
		}
	case d.Kind == projections.KindProfile:
		for _, all := range h.audiences {
			for a := range all {
				a.Deliver(d)
			}
		}
	}
}

// cutAudiences ends everybody's attendance.
func (h *hub) cutAudiences() {
	for _, all := range h.audiences {
		for a := range all {
			a.Reset()
		}
	}
	clear(h.audiences)
}
