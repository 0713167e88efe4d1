package domain

import (
	"strings"
	"unicode"
)

// Nickname says how many guests are called by a name. People who are signed in share one with whoever has it;
// somebody who is not has one alone.
type Nickname struct {
	Holders int `json:"holders"`
}

// MaxNickname is how many characters what a guest is called has at most.
const MaxNickname = 20

// SystemName is in whose name the server speaks in the chat; nobody else is called so.
const SystemName = "系统"

// SetNickname asks to be called something, or something else, as long as one is in the chat. People who are signed in
// are called as their profile says.
type SetNickname struct {
	Nickname    string        `json:"nickname"` // 1–20 characters, not in use and nobody's username
	Participant ParticipantID `json:"-"`
	NameKey     string        `json:"-"` // keyed hash of the folded name, added by the door
	PreviousKey string        `json:"-"` // the key of what the guest was called; "" for nothing
}

// Type implements Command.
func (SetNickname) Type() string { return "participant.set_nickname" }

// Reads implements Command.
func (c SetNickname) Reads(Actor) []Stream {
	return append(nicknamesOf(c.NameKey, c.PreviousKey), guestOf(c.Participant), nameOf(c.NameKey))
}

func (c SetNickname) decide(see View) ([]Event, error) {
	guest, err := see.participant(c.Participant)
	if err != nil {
		return nil, err
	}
	if guest.User != 0 {
		return nil, refuse(CodeBadRequest, "whoever is signed in is called as the profile says")
	}
	if guest.NameKey != c.PreviousKey || c.NameKey == "" { // a door's mistake
		return nil, refuse(CodeBadRequest, "naming a guest needs the keys of both names")
	}
	nickname, err := see.nickname(c.Nickname, c.NameKey, c.NameKey == c.PreviousKey)
	if err != nil {
		return nil, err
	}
	follows := []Event{NicknameSet{c.Participant, guest.Connection, nickname, c.NameKey}}
	if c.NameKey == c.PreviousKey { // spelled otherwise
		return follows, nil
	}
	if c.PreviousKey != "" {
		follows = append(follows, NicknameReleased{c.PreviousKey, c.Participant})
	}
	return append(follows, NicknameClaimed{c.NameKey, c.Participant}), nil
}

// nickname answers what somebody who is not signed in is to be called, or why not so.
func (v View) nickname(wanted, key string, own bool) (string, error) {
	if v.Actor.User != 0 {
		if wanted != "" {
			return "", refuse(CodeBadRequest, "whoever is signed in is called as the profile says")
		}
		return "", nil
	}
	if wanted == "" && key == "" {
		return "", nil
	}
	nickname, err := text("nickname", wanted, 1, MaxNickname)
	switch {
	case err != nil:
		return "", err
	case key == "": // a door's mistake that would let everybody have the same name
		return "", refuse(CodeBadRequest, "a nickname needs its key")
	case reserved(nickname), v.Username(key).User != 0, v.Nickname(key).Holders > 0 && !own:
		return "", refuse(CodeNicknameTaken, "this nickname is taken")
	}
	return nickname, nil
}

// reserved says whether a name passes for that of the server.
func reserved(name string) bool {
	seen := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Mn, unicode.Other_Default_Ignorable_Code_Point) { // nobody sees them
			return -1
		}
		return r
	}, name)
	return seen == SystemName
}

// nicknamesOf names the streams of names that are given.
func nicknamesOf(keys ...string) []Stream {
	var streams []Stream
	for _, key := range keys {
		if key != "" {
			streams = append(streams, nicknameOf(key))
		}
	}
	return streams
}

// NicknameSet says what a guest is called from now on.
type NicknameSet struct {
	Participant ParticipantID `json:"participant"`
	Connection  string        `json:"connection"` // its public id
	Nickname    string        `json:"nickname"`   // what the guest is called
	NameKey     string        `json:"name_key"`   // keyed hash of the folded name
}

// Type implements Event.
func (NicknameSet) Type() string { return "participant.nickname_set.v1" }

// Stream implements Event.
func (e NicknameSet) Stream() Stream { return guestOf(e.Participant) }

func (e NicknameSet) evolve(g Participant) Participant { g.NameKey = e.NameKey; return g }

func (e *NicknameSet) personal() (UserID, []*string) {
	return KeyOwner(0, e.Participant), []*string{&e.Nickname}
}

// NicknameClaimed says that one guest more is called by a name. Key is a keyed hash; the name itself is not in it.
type NicknameClaimed struct {
	Key         string        `json:"key"` // keyed hash of the folded name
	Participant ParticipantID `json:"participant"`
}

// Type implements Event.
func (NicknameClaimed) Type() string { return "nickname.claimed.v1" }

// Stream implements Event.
func (e NicknameClaimed) Stream() Stream { return nicknameOf(e.Key) }

func (NicknameClaimed) evolve(n Nickname) Nickname { n.Holders++; return n }

// NicknameReleased says that one guest less is called by a name.
type NicknameReleased struct {
	Key         string        `json:"key"` // keyed hash of the folded name
	Participant ParticipantID `json:"participant"`
}

// Type implements Event.
func (NicknameReleased) Type() string { return "nickname.released.v1" }

// Stream implements Event.
func (e NicknameReleased) Stream() Stream { return nicknameOf(e.Key) }

func (NicknameReleased) evolve(n Nickname) Nickname { n.Holders--; return n }
