package projections

import (
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
)

// An Audience is the group of clients that receive a delta.
type Audience int

// The audiences.
const (
	AudienceNone    Audience = iota // nobody
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
	Live       domain.LiveID // the live whose subscribers receive the delta, or to which servers apply it; 0 for other audiences
	User       domain.UserID // the user of the event; 0 if the event has no user or the user is anonymous
	Profile    Profile       // profile of User, if NeedsProfile returns true
	Event      domain.Event
	ID         string // 10 characters of the id of the event
	EventID    uuid.UUID
	RecordedAt time.Time
	Recipient  domain.UserID // the user whose connections receive the delta; 0 if there is none
	Removed    bool          // whether the event is a comment that was removed since, whose text nobody may receive

	// The fields from here on are set for AudienceChat only.
	Participant domain.ParticipantID
	ChatRooms   []domain.ChatRoomID
}

// Public reports whether all subscribers of a live receive d.
func (d Delta) Public() bool { return d.Audience == AudienceLive }

// Chat reports whether d is a change of the chat.
func (d Delta) Chat() bool { return d.Audience == AudienceChat }
