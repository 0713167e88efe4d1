package domain_test

import (
	"testing"

	"roomlog/domain"
)

// TestPersonNames checks that a name of a person must consist of visible characters.
func TestPersonNames(t *testing.T) {
	register := func(name string) domain.Code {
		_, err := world{}.decide(t, domain.Request{Command: domain.RegisterUser{Username: name, NameKey: "k"}})
		if refusal := domain.AsRefusal(err); refusal != nil {
			return refusal.Code
		}
		if err != nil {
			t.Fatal(err)
		}
		return ""
	}
	for _, name := range []string{"anna", "Anna Lee", "小明", "👨‍👩‍👧", "❤️", "👍🏽", "שלום", "o'neill", "a_b-c.d"} {
		if code := register(name); code != "" {
			t.Errorf("%+q is refused with %s", name, code)
		}
	}
	for _, name := range []string{
		"anna\ufe0f", "an\u034fna", "anna\u3164", "an\u17b4na", "anna\U000e0100", "\u202eanna", "an\u200bna", "an\u00adna",
		"\u3164", "\u2800", "\u2800\u2800", "\u0301", "\U0010ffff", "\u200d",
	} {
		if code := register(name); code != domain.CodeTextInvalid {
			t.Errorf("%+q: got %q, want it refused with %s", name, code, domain.CodeTextInvalid)
		}
	}
}

// TestNamesThatLookLikeOthersAreRefused checks that a user cannot take a name that looks like the username of another user.
func TestNamesThatLookLikeOthersAreRefused(t *testing.T) {
	taken := domain.UsernameClaimed{Key: keyOf("anna"), User: otherUser}
	own := domain.UsernameClaimed{Key: keyOf("anna"), User: viewer}
	run(t, []spec{
		{name: "registering a look-alike is refused", given: []domain.Event{taken}, by: anonymous, when: domain.RegisterUser{Username: "аnna", NameKey: "k-other"}, refused: domain.CodeNameTaken},
		{name: "registering with the name as nickname is refused", given: []domain.Event{taken}, by: anonymous, when: domain.RegisterUser{Username: "bob", Nickname: "Anna", NameKey: "k-bob"}, refused: domain.CodeNicknameTaken},
		{name: "taking the name as nickname is refused", given: []domain.Event{taken}, when: domain.ChangeProfile{Nickname: new("ANNA")}, refused: domain.CodeNicknameTaken},
		{name: "taking a look-alike as nickname is refused", given: []domain.Event{taken}, when: domain.ChangeProfile{Nickname: new("аnnа")}, refused: domain.CodeNicknameTaken},
		{name: "the own username may be the nickname", given: []domain.Event{own}, when: domain.ChangeProfile{Nickname: new("Anna")}, then: []domain.Event{domain.UserProfileChanged{User: viewer, Nickname: "Anna"}}},
		{name: "a username and its look-alikes are claimed together", by: anonymous, when: domain.RegisterUser{Username: "аnna", NameKey: "k-other"}, then: []domain.Event{
			domain.UserRegistered{User: 14, Username: "аnna", NameKey: "k-other"},
			domain.UsernameClaimed{Key: "k-other", User: 14}, domain.UsernameClaimed{Key: keyOf("anna"), User: 14},
		}},
	})
}
