package domain

// Participant is the state of a participant of the chat: one connection, signed in or not.
type Participant struct {
	Present    bool         `json:"present,omitempty"`
	Connection string       `json:"connection"`           // public id of the connection
	User       UserID       `json:"user,omitempty"`       // the signed-in user; 0 if nobody is signed in on the connection
	NameKey    string       `json:"name_key,omitempty"`   // keyed hash of the lookalike form of the name; "" if the participant has no name
	Node       string       `json:"node,omitempty"`       // the node that holds the connection
	ChatRooms  []ChatRoomID `json:"chat_rooms,omitempty"` // the chat rooms that the participant has joined
	Forgotten  bool         `json:"forgotten,omitempty"`  // whether the texts of the participant are erased
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

// ForgetParticipant permanently erases the texts of a participant who was not signed in and has left. When the log
// appends the event, it destroys the key of the participant. To erase the texts of a user, use ForgetUser.
type ForgetParticipant struct {
	Participant ParticipantID `json:"participant"` // the participant whose texts are erased
	Reason      string        `json:"reason"`      // the operator's reason, stored in the event: at most 100 characters, may be empty; must not identify a person
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
	Participant ParticipantID `json:"participant"` // the participant whose texts are erased
	Reason      string        `json:"reason"`      // the operator's reason; not sealed; may be empty
}

func (ParticipantForgotten) Type() string                     { return "participant.forgotten.v1" }
func (e ParticipantForgotten) Stream() Stream                 { return participantStream(e.Participant) }
func (e ParticipantForgotten) ForgottenKeyOwner() UserID      { return KeyOwner(0, e.Participant) }
func (ParticipantForgotten) evolve(p Participant) Participant { p.Forgotten = true; return p }

// Nickname is the state of a name in the chat. Any number of signed-in participants may have the same name. The name
// of a participant who is not signed in is unique.
type Nickname struct {
	Holders int `json:"holders"` // number of participants with the name
}

// Nickname returns the state of the name with the given key.
func (v View) Nickname(key string) Nickname { return look[Nickname](v, nicknameStream(key)) }

// MaxNickname is the maximum length of a participant's nickname in characters.
const MaxNickname = 20

// SetNickname sets or changes the nickname of a participant who is not signed in. The nickname is released when the
// participant leaves the chat.
type SetNickname struct {
	Nickname    string        `json:"nickname"` // the nickname: 1–20 characters; no other participant uses it, and no user has it as username
	Participant ParticipantID `json:"-"`        // the participant who takes the nickname
	NameKey     string        `json:"-"`        // keyed hash of the lookalike form of the nickname
	PreviousKey string        `json:"-"`        // key of the current nickname; "" if there is none
}

func (SetNickname) Type() string { return "participant.set_nickname" }

func (c SetNickname) Reads(Actor) []Stream {
	return append(streamsOf(nicknameStream, c.NameKey, c.PreviousKey), participantStream(c.Participant), usernameStream(c.NameKey))
}

func (c SetNickname) decide(view View) ([]Event, error) {
	participant, err := view.ownParticipant(c.Participant)
	if err != nil {
		return nil, err
	}
	if participant.User != 0 {
		return nil, refuse(CodeBadRequest, "a signed-in user has the name of the profile")
	}
	if participant.NameKey != c.PreviousKey || c.NameKey == "" { // a fault of the server
		return nil, refuse(CodeBadRequest, "setting a nickname requires the keys of the new and the present nickname")
	}
	nickname, err := view.checkNickname(c.Nickname, c.NameKey, c.NameKey == c.PreviousKey)
	if err != nil {
		return nil, err
	}
	events := []Event{NicknameSet{c.Participant, participant.Connection, nickname, c.NameKey}}
	if c.NameKey == c.PreviousKey { // the old and the new nickname have the same lookalike form
		return events, nil
	}
	if c.PreviousKey != "" {
		events = append(events, NicknameReleased{c.PreviousKey, c.Participant})
	}
	return append(events, NicknameClaimed{c.NameKey, c.Participant}), nil
}

// checkNickname returns the trimmed nickname if the participant may use it. It returns "" for a signed-in user, and if
// wanted and key are "". Otherwise it returns a *Refusal. own reports that the participant already has a nickname with
// this key.
func (v View) checkNickname(wanted, key string, own bool) (string, error) {
	if v.Actor.User != 0 {
		if wanted != "" {
			return "", refuse(CodeBadRequest, "a signed-in user has the name of the profile")
		}
		return "", nil
	}
	if wanted == "" && key == "" {
		return "", nil
	}
	nickname, err := personName("nickname", wanted, 1, MaxNickname, CodeNicknameTaken)
	switch {
	case err != nil:
		return "", err
	case key == "": // a fault of the server: with an empty key, all participants would have the same nickname
		return "", refuse(CodeBadRequest, "a nickname requires its key")
	case v.Username(key).User != 0, v.Nickname(key).Holders > 0 && !own:
		return "", refuse(CodeNicknameTaken, "this nickname is taken")
	}
	return nickname, nil
}

// NicknameSet records the nickname of a participant.
type NicknameSet struct {
	Participant ParticipantID `json:"participant"` // the participant who has taken the nickname
	Connection  string        `json:"connection"`  // public id of the connection
	Nickname    string        `json:"nickname"`    // the nickname as typed, without surrounding space
	NameKey     string        `json:"name_key"`    // keyed hash of the lookalike form of the nickname
}

func (NicknameSet) Type() string                       { return "participant.nickname_set.v1" }
func (e NicknameSet) Stream() Stream                   { return participantStream(e.Participant) }
func (e NicknameSet) evolve(p Participant) Participant { p.NameKey = e.NameKey; return p }
func (e *NicknameSet) personal() (UserID, []*string) {
	return KeyOwner(0, e.Participant), []*string{&e.Nickname}
}

// NicknameClaimed records that one more participant uses a name.
type NicknameClaimed struct {
	Key         string        `json:"key"`         // keyed hash of the lookalike form of the name
	Participant ParticipantID `json:"participant"` // the participant who uses the name
}

func (NicknameClaimed) Type() string               { return "nickname.claimed.v1" }
func (e NicknameClaimed) Stream() Stream           { return nicknameStream(e.Key) }
func (NicknameClaimed) evolve(n Nickname) Nickname { n.Holders++; return n }

// NicknameReleased records that one participant has stopped using a name.
type NicknameReleased struct {
	Key         string        `json:"key"`         // keyed hash of the lookalike form of the name
	Participant ParticipantID `json:"participant"` // the participant who used the name
}

func (NicknameReleased) Type() string               { return "nickname.released.v1" }
func (e NicknameReleased) Stream() Stream           { return nicknameStream(e.Key) }
func (NicknameReleased) evolve(n Nickname) Nickname { n.Holders--; return n }
