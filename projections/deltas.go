package projections

import (
	"roomlog/domain"
	"roomlog/eventstore"
)

// specs maps the type of an event to its entries in the table of deltas.
var specs = func() map[string][]DeltaSpec {
	byEvent := make(map[string][]DeltaSpec)
	for _, s := range DeltaSpecs() {
		byEvent[s.Event] = append(byEvent[s.Event], s)
	}
	return byEvent
}()

// DeltasOf returns the deltas of an event, without profiles. A gift has two deltas: one for the live, and one with the
// new balance for the sender. A delta whose LivesOfUser is true has no live yet.
func DeltasOf(r eventstore.Record) []Delta {
	if r.Event == nil {
		return nil
	}
	var deltas []Delta
	for _, s := range specs[r.Event.Type()] {
		if s.Audience == AudienceNone {
			continue
		}
		d := Delta{
			Position: r.Position, Audience: s.Audience, Kind: s.Kind,
			Event: r.Event, ID: shortID(r), EventID: r.ID, RecordedAt: r.RecordedAt,
		}
		if e, ok := r.Event.(domain.UserEvent); ok {
			d.User = e.EventUser()
		}
		s.address(&d)
		deltas = append(deltas, d)
	}
	return deltas
}

// spec returns the entry of d in the table of deltas, or the zero DeltaSpec if there is none.
func (d Delta) spec() DeltaSpec {
	if d.Event != nil {
		for _, s := range specs[d.Event.Type()] {
			if s.Audience == d.Audience {
				return s
			}
		}
	}
	return DeltaSpec{}
}

// ReleasedWhenDurable reports whether all deltas of an event may be released before the tables have applied it. They
// then contain nothing from the tables except the profile of the user, which the event does not change.
func ReleasedWhenDurable(r eventstore.Record) bool {
	if r.Event == nil {
		return false
	}
	of := specs[r.Event.Type()]
	for _, s := range of {
		if !s.Durable {
			return false
		}
	}
	return len(of) > 0
}

// Payload returns the content of d for clients, or nil if there is none. Its type is the Payload of d's entry in the
// table of deltas. Set Profile before.
func (d Delta) Payload() any {
	if s := d.spec(); s.payload != nil {
		return s.payload(d)
	}
	return nil
}

// Droppable reports whether a client that reads slowly may miss d.
func (d Delta) Droppable() bool { return d.spec().Droppable }

// ChangesGauges reports whether d changes the gauges of its live.
func (d Delta) ChangesGauges() bool { return d.spec().ChangesGauges }

// NeedsProfile reports whether clients receive the profile of d's user.
func (d Delta) NeedsProfile() bool { return d.spec().NeedsProfile }

// LivesOfUser reports whether d belongs to every live that d's user is in, instead of one live.
func (d Delta) LivesOfUser() bool { return d.spec().LivesOfUser }
