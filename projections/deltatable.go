package projections

import (
	"reflect"

	"roomlog/domain"
	"roomlog/eventstore"
)

// DeltaSpecs returns the table of deltas: for each type of event who receives it, as which kind of delta, with which
// payload. To push a new event to clients, add an entry; an event that nobody receives has an entry too. The table does
// not change.
func DeltaSpecs() []DeltaSpec {
	return []DeltaSpec{
		toLive(KindComment, "A viewer posted a comment.", commentPayload, droppable),
		toLive(KindGift, "A viewer sent a gift.", giftPayload, changesGauges),
		toUser(KindBalance, "The balance of the user has changed.", spentPayload),
		toLive(KindJoin, "A viewer joined the live.", joinPayload, droppable, changesGauges),
		toLive(KindLeave, "A viewer left the live.", leavePayload, droppable, changesGauges),
		toLive(KindStatus, "The live went on air, was paused or has ended.", statusPayload),
		toLive(KindMedia, "A broadcast of the live has started or stopped.", startPayload),
		toLive(KindMedia, "A broadcast of the live has started or stopped.", stopPayload),
		toUser(KindBalance, "The balance of the user has changed.", creditPayload),

		toUser(KindProfile, "The profile of the user has changed.", profilePayload, needsProfile),
		toUser(KindAge, "The age of the user has changed.", agePayload),
		toUser(KindNotice, aboutNotice, notice[domain.UserSignedIn]("signed_in")),
		toUser(KindNotice, aboutNotice, notice[domain.UserSignedOut]("signed_out")),
		toUser(KindNotice, aboutNotice, notice[domain.UserDisabled]("disabled")),
		toUser(KindNotice, aboutNotice, notice[domain.UserEnabled]("enabled")),
		toUser(KindNotice, aboutNotice, kickPayload, notProjected),
		toUser(KindNotice, aboutNotice, banPayload),
		toUser(KindNotice, aboutNotice, notice[domain.UserUnbanned]("unbanned")),
		toUser(KindNotice, aboutNotice, grantPayload),
		toUser(KindNotice, aboutNotice, revokePayload),
		toUser(KindNotice, aboutNotice, notice[domain.UserForgotten]("forgotten")),

		toServers[domain.ViewerMoved](KindMoved),
		toServers[domain.ViewerBanned](KindModeration, notProjected),
		toServers[domain.ConnectionKicked](KindModeration, notProjected),
		toServers[domain.PlayerKicked](KindModeration, notProjected),

		toChat(KindChatRoomCreated, func(d *Delta, e domain.ChatRoomCreated) { d.in(e.ChatRoom) }),
		toChat(KindChatRoomRemoved, func(d *Delta, e domain.ChatRoomRemoved) { d.in(e.ChatRoom) }),
		toChat(KindParticipantEntered, func(d *Delta, e domain.ParticipantEntered) { d.by(e.Participant) }),
		toChat(KindNicknameSet, func(d *Delta, e domain.NicknameSet) { d.by(e.Participant) }),
		toChat(KindChatRoomJoined, func(d *Delta, e domain.ChatRoomJoined) { d.by(e.Participant).in(e.ChatRoom) }),
		toChat(KindChatRoomLeft, func(d *Delta, e domain.ChatRoomLeft) { d.by(e.Participant).in(e.ChatRoom) }),
		toChat(KindParticipantLeft, func(d *Delta, e domain.ParticipantLeft) { d.by(e.Participant) }),
		toChat(KindMessage, func(d *Delta, e domain.MessagePosted) {
			d.by(e.Participant).in(e.ChatRooms...)
			d.Recipient = e.ToUser
		}),

		toNobody[domain.UserRegistered](),
		toNobody[domain.UsernameClaimed](notProjected), // user.registered has the same data
		toNobody[domain.UserEmailAdded](),
		toNobody[domain.EmailClaimed](),
		toNobody[domain.ViewerUnbanned](notProjected),
		toNobody[domain.LiveCreated](),
		toNobody[domain.LiveRecordingSet](),
		toNobody[domain.RecordingStarted](),
		toNobody[domain.RecordingFinished](),
		toNobody[domain.RecordingDeleted](),
		toNobody[domain.GiftAdded](),
		toNobody[domain.GiftRepriced](),
		toNobody[domain.GiftWithdrawn](),
		toNobody[domain.OrderPlaced](notProjected), // no table shows unpaid orders
		toNobody[domain.OrderPaid](notProjected),   // coins.credited follows
		toNobody[domain.ParticipantForgotten](),
		toNobody[domain.ChatRoomNameClaimed](notProjected),  // chat_room.created has the same data
		toNobody[domain.ChatRoomNameReleased](notProjected), // chat_room.removed has the same data
		toNobody[domain.NicknameClaimed](notProjected),      // participant.entered and participant.nickname_set have the same data
		toNobody[domain.NicknameReleased](notProjected),     // participant.nickname_set and participant.left have the same data
	}
}

// aboutNotice is the summary of all notices.
const aboutNotice = "The account of the user, or one of its sessions, has changed."

// A DeltaSpec is an entry of the table of deltas.
type DeltaSpec struct {
	Event    string // the type of the event
	Audience Audience
	Kind     string
	Summary  string       // describes the kind to client developers; "" if the payload is not Payload
	Payload  reflect.Type // of the values that Delta.Payload returns; nil: none

	Droppable     bool // a client that reads slowly may lose it
	ChangesGauges bool // it changes the gauges of its live
	NeedsProfile  bool // clients see the profile of its user
	NotProjected  bool // no projection handles the event: the log alone stores it

	address func(*Delta) // sets the fields that depend on the audience
	payload func(Delta) any
}

// The options of an entry.
func droppable(s *DeltaSpec)     { s.Droppable = true }
func changesGauges(s *DeltaSpec) { s.ChangesGauges = true }
func needsProfile(s *DeltaSpec)  { s.NeedsProfile = true }
func notProjected(s *DeltaSpec)  { s.NotProjected = true }

// toLive sends E to all subscribers of its live.
func toLive[E domain.LiveEvent, P any](kind, summary string, payload func(Delta, E) P, options ...func(*DeltaSpec)) DeltaSpec {
	s := withPayload(AudienceLive, kind, summary, payload, options)
	s.NeedsProfile = true
	s.address = func(d *Delta) { d.Live = d.Event.(E).EventLive() }
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

// toChat sends E to the chat. The chat makes the payloads, because they depend on its roster.
func toChat[E domain.Event](kind string, address func(*Delta, E)) DeltaSpec {
	return DeltaSpec{
		Event: typeOf[E](), Audience: AudienceChat, Kind: kind, NeedsProfile: true,
		address: func(d *Delta) { address(d, d.Event.(E)) },
	}
}

// toServers sends E to the servers alone. They act on the event itself.
func toServers[E domain.Event](kind string, options ...func(*DeltaSpec)) DeltaSpec {
	return DeltaSpec{Event: typeOf[E](), Audience: AudienceServers, Kind: kind, address: func(d *Delta) {
		if e, ok := d.Event.(domain.LiveEvent); ok {
			d.Live = e.EventLive()
		}
	}}.with(options)
}

// toNobody sends E to nobody.
func toNobody[E domain.Event](options ...func(*DeltaSpec)) DeltaSpec {
	return DeltaSpec{Event: typeOf[E]()}.with(options)
}

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

// by sets the participant of d.
func (d *Delta) by(p domain.ParticipantID) *Delta { d.Participant = p; return d }

// in sets the chat rooms of d.
func (d *Delta) in(rooms ...domain.ChatRoomID) { d.ChatRooms = rooms }

// specs are the entries of the table by type of event.
var specs = func() map[string][]DeltaSpec {
	byEvent := make(map[string][]DeltaSpec)
	for _, s := range DeltaSpecs() {
		byEvent[s.Event] = append(byEvent[s.Event], s)
	}
	return byEvent
}()

// DeltasOf returns the deltas of an event, without profiles. A gift has two: one for the live, and one with the new
// balance for the sender.
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

// spec returns the entry of d; the zero one if d has none.
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

// Payload returns the content of d for clients, of the type that its entry names; nil if there is none. Profile must be
// set before.
func (d Delta) Payload() any {
	if s := d.spec(); s.payload != nil {
		return s.payload(d)
	}
	return nil
}

// Droppable reports whether a client that reads slowly may lose d.
func (d Delta) Droppable() bool { return d.spec().Droppable }

// ChangesGauges reports whether d changes the gauges of its live.
func (d Delta) ChangesGauges() bool { return d.spec().ChangesGauges }

// NeedsProfile reports whether clients see the profile of the user of d.
func (d Delta) NeedsProfile() bool { return d.spec().NeedsProfile }
