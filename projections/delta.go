package projections

import (
	"reflect"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/internal/tracing"
)

// An Audience is the group of clients that receive a delta.
type Audience int

// The audiences.
const (
	AudienceNone    Audience = iota // nobody receives the delta
	AudienceLive                    // all subscribers of the live
	AudienceUser                    // all connections of the recipient
	AudienceChat                    // participants of the chat; the chat selects them by the event
	AudienceServers                 // only the servers; they do not pass it on to clients in this form
)

// A Delta is a change in the form in which clients receive it. It is derived from one event and the profile of the user
// of the event.
type Delta struct {
	Position   int64
	Audience   Audience
	Kind       string
	Live       domain.LiveID // the live of the delta; 0 for audiences without a live
	User       domain.UserID // the user of the event; 0 if the event has no user or the user is anonymous
	Profile    Profile       // profile of User, if NeedsProfile returns true
	Event      domain.Event
	ID         string // 10 characters of the id of the event
	EventID    uuid.UUID
	RecordedAt time.Time
	Recipient  domain.UserID // the user whose connections receive the delta; 0 if there is none
	Removed    bool          // whether the delta is a comment that was removed later; nobody may receive its text

	// The fields from here on are set for AudienceChat only.
	Participant domain.ParticipantID
	ChatRooms   []domain.ChatRoomID
}

// Traced returns the part of the event of d that traces contain.
func (d *Delta) Traced() tracing.Event {
	e := tracing.Event{ID: d.EventID, Position: d.Position, Live: int64(d.Live)}
	if d.Event != nil {
		e.Type = d.Event.Type()
	}
	return e
}

// Public reports whether all subscribers of a live receive d.
func (d Delta) Public() bool { return d.Audience == AudienceLive }

// Chat reports whether d is a change of the chat.
func (d Delta) Chat() bool { return d.Audience == AudienceChat }

// A DeltaSpec is an entry of the table of deltas.
type DeltaSpec struct {
	Event    string // type of the event
	Audience Audience
	Kind     string
	Summary  string       // description of the kind for client developers; "" if Payload is not the form that clients receive
	Payload  reflect.Type // type of the values that Delta.Payload returns; nil if there are none

	Droppable     bool // whether a client that reads slowly may miss the delta
	ChangesGauges bool // whether the delta changes the gauges of its live
	NeedsProfile  bool // whether clients receive the profile of the delta's user
	LivesOfUser   bool // whether the delta belongs to every live that its user is in, instead of one live
	Durable       bool // whether the delta may be released as soon as its event is durable, before the tables have applied it; gifts only by the process that decided them
	NotProjected  bool // whether no projection handles the event, so that only the log stores it

	address func(*Delta) // sets the fields of the delta that depend on the audience
	payload func(Delta) any
}

// droppable, changesGauges, needsProfile, durable and notProjected are options of a DeltaSpec. Each sets the field with
// its name.
func droppable(s *DeltaSpec)     { s.Droppable = true }
func changesGauges(s *DeltaSpec) { s.ChangesGauges = true }
func needsProfile(s *DeltaSpec)  { s.NeedsProfile = true }
func durable(s *DeltaSpec)       { s.Durable = true }
func notProjected(s *DeltaSpec)  { s.NotProjected = true }

// toLive sends E to all subscribers of its live.
func toLive[E domain.LiveEvent, P any](kind, summary string, payload func(Delta, E) P, options ...func(*DeltaSpec)) DeltaSpec {
	s := withPayload(AudienceLive, kind, summary, payload, options)
	s.NeedsProfile = true
	s.address = func(d *Delta) { d.Live = d.Event.(E).EventLive() }
	return s
}

// toLivesOfUser sends E to all subscribers of every live that its user is in. DeltasOf returns one delta without a live.
// The feed replaces it by one delta for each live.
func toLivesOfUser[E domain.UserEvent, P any](kind, summary string, payload func(Delta, E) P, options ...func(*DeltaSpec)) DeltaSpec {
	s := withPayload(AudienceLive, kind, summary, payload, options)
	s.NeedsProfile, s.LivesOfUser = true, true
	s.address = func(*Delta) {}
	return s
}

// toUser sends E to the user channel of its user.
func toUser[E domain.UserEvent, P any](kind, summary string, payload func(Delta, E) P, options ...func(*DeltaSpec)) DeltaSpec {
	s := withPayload(AudienceUser, kind, summary, payload, options)
	s.address = func(d *Delta) { d.Recipient = d.User }
	return s
}

func withPayload[E domain.Event, P any](audience Audience, kind, summary string, payload func(Delta, E) P, options []func(*DeltaSpec)) DeltaSpec {
	return DeltaSpec{
		Event: typeOf[E](), Audience: audience, Kind: kind, Summary: summary, Payload: reflect.TypeFor[P](),
		payload: func(d Delta) any { return payload(d, d.Event.(E)) },
	}.with(options)
}

// toChat sends E to the chat. The chat creates the payloads, because they depend on its roster.
func toChat[E domain.Event](kind string, address func(*Delta, E), options ...func(*DeltaSpec)) DeltaSpec {
	return DeltaSpec{
		Event: typeOf[E](), Audience: AudienceChat, Kind: kind, NeedsProfile: true,
		address: func(d *Delta) { address(d, d.Event.(E)) },
	}.with(options)
}

// toServers sends E to the servers only. They act on the event itself.
func toServers[E domain.Event](kind string, options ...func(*DeltaSpec)) DeltaSpec {
	return DeltaSpec{Event: typeOf[E](), Audience: AudienceServers, Kind: kind, address: func(d *Delta) {
		if e, ok := d.Event.(domain.LiveEvent); ok {
			d.Live = e.EventLive()
		}
	}}.with(options)
}

// toNobody marks an event that has no delta.
func toNobody[E domain.Event](options ...func(*DeltaSpec)) DeltaSpec {
	return DeltaSpec{Event: typeOf[E]()}.with(options)
}

// with returns s with the options applied.
func (s DeltaSpec) with(options []func(*DeltaSpec)) DeltaSpec {
	for _, option := range options {
		option(&s)
	}
	return s
}

func typeOf[E domain.Event]() string {
	var zero E
	return zero.Type()
}

// by sets the participant of d and returns d.
func (d *Delta) by(p domain.ParticipantID) *Delta { d.Participant = p; return d }

// in sets the chat rooms of d.
func (d *Delta) in(rooms ...domain.ChatRoomID) { d.ChatRooms = rooms }
