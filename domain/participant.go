package domain

// Participant is the state of a participant of the chat. A participant is one connection, signed in or not.
type Participant struct {
	Present    bool         `json:"present,omitempty"`
	Connection string       `json:"connection"`           // public id of the connection
	User       UserID       `json:"user,omitempty"`       // 0: not signed in
	NameKey    string       `json:"name_key,omitempty"`   // keyed hash of the lookalike form of the name; "" for none
	Node       string       `json:"node,omitempty"`       // the node that holds the connection
	ChatRooms  []ChatRoomID `json:"chat_rooms,omitempty"` // the joined chat rooms
	Forgotten  bool         `json:"forgotten,omitempty"`  // the texts are erased
}

// Participant returns the state of a participant.
func (v View) Participant(id ParticipantID) Participant {
	return look[Participant](v, participantStream(id))
}

// NextParticipant returns the next free participant id.
func (v View) NextParticipant() ParticipantID { return ParticipantID(v.next(nextParticipant)) }

// ownParticipant returns the participant on whose behalf the actor issues a command, or a *Refusal if it does not
// belong to the actor.
func (v View) ownParticipant(id ParticipantID) (Participant, error) {
	participant := v.Participant(id)
	if !participant.Present || participant.User != v.Actor.User {
		return participant, refuse(CodeParticipantNotFound, "participant %d is not in the chat: enter the chat first", id)
	}
	return participant, nil
}

// KeyOwner returns the owner of the key that seals a participant's texts: the id of the user or, if the participant
// is not signed in, the negated id of the participant.
func KeyOwner(user UserID, participant ParticipantID) UserID {
	if user != 0 {
		return user
	}
	return UserID(-participant)
}

// ForgetParticipant permanently erases the texts of a participant who was not signed in and has left. The log
// destroys the key of the participant when it appends the event. To erase the texts of a user, use ForgetUser.
type ForgetParticipant struct {
	Participant ParticipantID `json:"participant"`
	Reason      string        `json:"reason"` // stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (ForgetParticipant) Type() string { return "participant.forget" }

func (c ForgetParticipant) Reads(Actor) []Stream { return []Stream{participantStream(c.Participant)} }

func (c ForgetParticipant) decide(view View) ([]Event, error) {
	switch participant := view.Participant(c.Participant); {
	case participant.Connection == "" || participant.User != 0:
		return nil, refuse(CodeParticipantNotFound, "there is no participant %d without an account", c.Participant)
	case participant.Present: // further messages would be sealed with a destroyed key
		return nil, refuse(CodeBadRequest, "participant %d is still in the chat", c.Participant)
	case participant.Forgotten:
		return nil, nil
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{ParticipantForgotten{c.Participant, reason}}, nil
}

// ParticipantForgotten records that the texts of a participant are unreadable in all earlier events.
type ParticipantForgotten struct {
	Participant ParticipantID `json:"participant"`
	Reason      string        `json:"reason"` // why, not sealed; may be empty
}

func (ParticipantForgotten) Type() string                     { return "participant.forgotten.v1" }
func (e ParticipantForgotten) Stream() Stream                 { return participantStream(e.Participant) }
func (e ParticipantForgotten) ForgottenKeyOwner() UserID      { return KeyOwner(0, e.Participant) }
func (ParticipantForgotten) evolve(p Participant) Participant { p.Forgotten = true; return p }
