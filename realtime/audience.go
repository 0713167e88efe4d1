package realtime

import (
	"context"

	"roomlog/domain"
	"roomlog/projections"
)

// Audience is who is told what happens in a room, beside the connections of the native dialect. Its methods
// are called one after another and must not wait.
type Audience interface {
	// Tell is called for every public fact of the room, in order, and for every profile that somebody changed.
	Tell(d projections.Delta)
	// Cut is called when facts were missed: whoever is there has to come back. Nothing more is told.
	Cut()
}

// Attend has a told what happens in a room after the position it answers.
func (d *Door) Attend(live domain.LiveID, a Audience) (from int64) {
	h := d.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.audiences[live] == nil {
		h.audiences[live] = make(map[Audience]struct{})
	}
	h.audiences[live][a] = struct{}{}
	return h.asOf.Load()
}

// Forsake ends what Attend began: a is told nothing more.
func (d *Door) Forsake(live domain.LiveID, a Audience) {
	h := d.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.audiences[live], a)
	if len(h.audiences[live]) == 0 {
		delete(h.audiences, live)
	}
}

// LiveDeltas answers the first limit deltas of a room after one position up to another, from the log.
func (d *Door) Facts(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error) {
	return d.cfg.Feed.LiveDeltas(ctx, live, after, upTo, limit)
}

// tellAudiences tells a delta to those whom it concerns.
func (h *hub) tellAudiences(d projections.Delta) {
	switch {
	case d.Public():
		for a := range h.audiences[d.Live] {
			a.Tell(d)
		}
	case d.Kind == projections.KindProfile:
		for _, all := range h.audiences {
			for a := range all {
				a.Tell(d)
			}
		}
	}
}

// cutAudiences ends everybody's attendance.
func (h *hub) cutAudiences() {
	for _, all := range h.audiences {
		for a := range all {
			a.Cut()
		}
	}
	clear(h.audiences)
}
