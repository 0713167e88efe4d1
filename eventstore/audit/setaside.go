package audit

import (
	"context"
	"fmt"
	"slices"

	"roomlog/domain"
	"roomlog/eventstore"
)

// setAside is an inspected event that sets another event aside.
type setAside struct {
	position int64
	event    domain.EventSetAside
}

// setAsideChunk is the number of events that checkSetAsides reads in one query.
const setAsideChunk = 1000

// checkSetAsides checks all as CheckSetAsides describes. by is the argument of CheckSetAsides.
func checkSetAsides(ctx context.Context, store *eventstore.Store, all []setAside, by map[int64]int64, faults *Faults) error {
	for chunk := range slices.Chunk(all, setAsideChunk) {
		positions := make([]int64, len(chunk))
		for i, s := range chunk {
			positions[i] = s.event.Position
		}
		named, err := store.ReadRawAt(ctx, positions)
		if err != nil {
			return err
		}
		events := make(map[int64]eventstore.Record, len(named))
		for _, r := range named {
			events[r.Position] = r
		}
		for _, s := range chunk {
			if text := s.check(events[s.event.Position], by[s.event.Position]); text != "" {
				faults.Add(Fault{Position: s.position, Text: text})
			}
		}
	}
	return nil
}

// check returns what is wrong with an event that sets r aside, or "". by is the position of the event that has set r
// aside according to the tables, or 0.
func (s setAside) check(r eventstore.Record, by int64) string {
	switch e := s.event; {
	case e.Position >= s.position:
		return fmt.Sprintf("position %d is set aside, which is not an earlier event", e.Position)
	case by == 0:
		return fmt.Sprintf("position %d is set aside, although it could be applied", e.Position)
	case by != s.position:
		return fmt.Sprintf("position %d is set aside, as position %d has done before", e.Position, by)
	case e.Of != r.Stream || e.EventType != r.Type:
		return fmt.Sprintf("position %d is set aside as %s of %s, but it is %s of %s", e.Position, e.EventType, e.Of, r.Type, r.Stream)
	}
	return ""
}
