package chat

import (
	"roomlog/domain"
	"roomlog/projections"
)

// Participant is one connection of a user or of an anonymous visitor in the chat, on any node.
type Participant struct {
	ID         domain.ParticipantID
	Connection string // public id of the connection
	Profile    domain.ChatProfile
	User       projections.Profile // profile of a signed-in user; its ID is 0 for an anonymous participant
	Nickname   string              // nickname of an anonymous participant; may be empty
	Node       string              // the node that holds the connection
}

// Name returns the name of a participant, or "" if the participant has none.
func (p Participant) Name() string {
	if p.User.ID != 0 {
		return p.User.Name()
	}
	return p.Nickname
}

// DisplayName returns the name of a participant. If the participant has none, it returns the id of the connection.
func (p Participant) DisplayName() string {
	if name := p.Name(); name != "" {
		return name
	}
	return p.Connection
}

// AuthorOf returns the author of a message, derived only from the delta and the event.
func AuthorOf(d projections.Delta, e domain.MessagePosted) Participant {
	return Participant{ID: e.Participant, Connection: e.Connection, User: profileOf(e.User, d.Profile), Nickname: e.Nickname}
}

// profileOf returns p with the id of a signed-in user. It returns the zero Profile for user 0.
func profileOf(user domain.UserID, p projections.Profile) projections.Profile {
	if user == 0 {
		return projections.Profile{}
	}
	p.ID = user
	return p
}
