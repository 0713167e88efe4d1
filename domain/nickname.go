package domain

import (
	"strings"
	"unicode"
)

// Nickname says how many guests are called by a name. People who are signed in share one with whoever has it;
// somebody who is not has one alone.
type Nickname struct {
	Guests int `json:"guests"`
}

// MaxNickname is how many characters what a guest is called has at most.
const MaxNickname = 20

// ServerName is in whose name the server speaks in the chat; nobody else is called so.
const ServerName = "系统"

// NameGuest asks to be called something, or something else, as long as one is in the chat. People who are signed in
// are called as their profile says.
type NameGuest struct {
	Nickname string  `json:"nickname"` // 1–20 characters, not in use and nobody's username
	Guest    GuestID `json:"-"`
	NameKey  string  `json:"-"` // keyed hash of the folded name, added by the door
	Before   string  `json:"-"` // the key of what the guest was called; "" for nothing
}

// Type implements Command.
func (NameGuest) Type() string { return "guest.name" }

// Reads implements Command.
func (c NameGuest) Reads(Actor) []Stream {
	return append(nicknamesOf(c.NameKey, c.Before), guestOf(c.Guest), nameOf(c.NameKey))
}

func (c NameGuest) decide(see View) ([]Event, error) {
	guest, err := see.guest(c.Guest)
	if err != nil {
		return nil, err
	}
	if guest.User != 0 {
		return nil, refuse(CodeBadRequest, "whoever is signed in is called as the profile says")
	}
	if guest.NameKey != c.Before || c.NameKey == "" { // a door's mistake
		return nil, refuse(CodeBadRequest, "naming a guest needs the keys of both names")
	}
	nickname, err := see.nickname(c.Nickname, c.NameKey, c.NameKey == c.Before)
	if err != nil {
		return nil, err
	}
	follows := []Event{GuestNamed{c.Guest, guest.Connection, nickname, c.NameKey}}
	if c.NameKey == c.Before { // spelled otherwise
		return follows, nil
	}
	if c.Before != "" {
		follows = append(follows, NicknameFreed{c.Before, c.Guest})
	}
	return append(follows, NicknameTaken{c.NameKey, c.Guest}), nil
}

// nickname answers what somebody who is not signed in is to be called, or why not so.
func (v View) nickname(wanted, key string, own bool) (string, error) {
	if v.By.User != 0 {
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
	case reserved(nickname), v.Name(key).User != 0, v.Nickname(key).Guests > 0 && !own:
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
	return seen == ServerName
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

// GuestNamed says what a guest is called from now on.
type GuestNamed struct {
	Guest      GuestID `json:"guest"`
	Connection string  `json:"connection"` // its public id
	Nickname   string  `json:"nickname"`   // what the guest is called
	NameKey    string  `json:"name_key"`   // keyed hash of the folded name
}

// Type implements Event.
func (GuestNamed) Type() string { return "guest.named.v1" }

// Stream implements Event.
func (e GuestNamed) Stream() Stream { return guestOf(e.Guest) }

func (e GuestNamed) evolve(g Guest) Guest { g.NameKey = e.NameKey; return g }

func (e *GuestNamed) personal() (UserID, []*string) {
	return TextsOf(0, e.Guest), []*string{&e.Nickname}
}

// NicknameTaken says that one guest more is called by a name. Key is a keyed hash; the name itself is not in it.
type NicknameTaken struct {
	Key   string  `json:"key"` // keyed hash of the folded name
	Guest GuestID `json:"guest"`
}

// Type implements Event.
func (NicknameTaken) Type() string { return "nickname.taken.v1" }

// Stream implements Event.
func (e NicknameTaken) Stream() Stream { return nicknameOf(e.Key) }

func (NicknameTaken) evolve(n Nickname) Nickname { n.Guests++; return n }

// NicknameFreed says that one guest less is called by a name.
type NicknameFreed struct {
	Key   string  `json:"key"` // keyed hash of the folded name
	Guest GuestID `json:"guest"`
}

// Type implements Event.
func (NicknameFreed) Type() string { return "nickname.freed.v1" }

// Stream implements Event.
func (e NicknameFreed) Stream() Stream { return nicknameOf(e.Key) }

func (NicknameFreed) evolve(n Nickname) Nickname { n.Guests--; return n }
