package projections

import (
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
)

// An Audience is the group of recipients of a delta.
type Audience int

// The audiences.
const (
	AudienceNone    Audience = iota // no recipient
	AudienceLive                    // all subscribers of the live
	AudienceUser                    // the user channel of the recipient: all connections of that user
	AudienceChat                    // participants of the chat; the chat chooses them by the event
	AudienceServers                 // the servers themselves; they send it to no client as it is
)

// A Delta is a change in the form for clients. It follows from one event, and from the profile of its user.
type Delta struct {
	Position   int64
	Audience   Audience
	Kind       string
	Live       domain.LiveID // 0 unless the audience is AudienceLive or AudienceServers
	User       domain.UserID // the user of the event; 0 for an anonymous user
	Profile    Profile       // of User, if NeedsProfile
	Event      domain.Event
	ID         string // 10 characters of the event's id
	EventID    uuid.UUID
	RecordedAt time.Time
	Recipient  domain.UserID // the user whose channel receives the delta; 0: none

	// Of AudienceChat only.
	Participant domain.ParticipantID
	ChatRooms   []domain.ChatRoomID
}

// Public reports whether all subscribers of a live receive d.
func (d Delta) Public() bool { return d.Audience == AudienceLive }

// Chat reports whether d is a change of the chat.
func (d Delta) Chat() bool { return d.Audience == AudienceChat }
