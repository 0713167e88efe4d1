package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestRegisterUser(t *testing.T) {
	bob := domain.RegisterUser{Username: "bob", Nickname: "Bobby", Avatar: "https://a/b.png", NameKey: "k-bob", Credential: "c1"}
	with := func(change func(*domain.RegisterUser)) domain.RegisterUser { c := bob; change(&c); return c }
	run(t, []spec{
		{
			name: "creates an account and claims the username",
			by:   anonymous,
			when: bob,
			then: []domain.Event{
				domain.UserRegistered{User: 14, Username: "bob", Nickname: "Bobby", Avatar: "https://a/b.png", NameKey: "k-bob", Credential: "c1"},
				domain.UsernameClaimed{Key: "k-bob", User: 14},
			},
		},
		{
			name: "trims the names and does not require nickname, avatar or password",
			by:   anonymous,
			when: domain.RegisterUser{Username: "\u3000bob ", Nickname: "  ", NameKey: "k-bob"},
			then: []domain.Event{
				domain.UserRegistered{User: 14, Username: "bob", NameKey: "k-bob"},
				domain.UsernameClaimed{Key: "k-bob", User: 14},
			},
		},
		{
			name:    "is refused when the username is taken",
			given:   []domain.Event{domain.UsernameClaimed{Key: "k-bob", User: 5}},
			by:      anonymous,
			when:    bob,
			refused: domain.CodeNameTaken,
		},
		{
			name:    "is refused when a forgotten user had the username",
			given:   []domain.Event{domain.UserForgotten{User: otherUser}},
			by:      anonymous,
			when:    with(func(c *domain.RegisterUser) { c.NameKey = nameKeyOf(otherUser) }),
			refused: domain.CodeNameTaken,
		},
		{
			name:    "is refused without a username",
			by:      anonymous,
			when:    with(func(c *domain.RegisterUser) { c.Username = " " }),
			refused: domain.CodeTextEmpty,
		},
		{
			name:    "is refused without the key of the username",
			by:      anonymous,
			when:    with(func(c *domain.RegisterUser) { c.NameKey = "" }),
			refused: domain.CodeBadRequest,
		},
		{
			name:    "is refused when the key is not printable",
			by:      anonymous,
			when:    with(func(c *domain.RegisterUser) { c.NameKey = "k\x00" }),
			refused: domain.CodeTextInvalid,
		},
	})
}

func TestUserIDsStartAtOne(t *testing.T) {
	got, err := world{}.decide(t, domain.Request{Command: domain.RegisterUser{Username: "bob", NameKey: "k"}})
	if err != nil || got[0].(domain.UserRegistered).User != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestChangeAge(t *testing.T) {
	set := func(age int) domain.ChangeProfile { return domain.ChangeProfile{Age: &age} }
	changed := func(age int) []domain.Event { return []domain.Event{domain.UserAgeChanged{User: viewer, Age: age}} }
	run(t, []spec{
		{name: "changes the age", given: testUsers(), by: asUser(viewer), when: set(30), then: changed(30)},
		{name: "changes the age again", given: events(testUsers(), changed(30)), by: asUser(viewer), when: set(0), then: changed(0)},
		{name: "changes nothing when the user has this age", given: events(testUsers(), changed(30)), by: asUser(viewer), when: set(30)},
		{name: "accepts the maximum", given: testUsers(), by: asUser(viewer), when: set(1_000_000), then: changed(1_000_000)},
		{name: "is refused above the maximum", given: testUsers(), by: asUser(viewer), when: set(1_000_001), refused: domain.CodeNumberOutOfRange},
		{name: "is refused when it is negative", given: testUsers(), by: asUser(viewer), when: set(-1), refused: domain.CodeNumberOutOfRange},
	})
}

func TestIncrementAge(t *testing.T) {
	run(t, []spec{
		{
			name: "starts at one",
			when: domain.IncrementAge{},
			then: []domain.Event{domain.UserAgeChanged{User: viewer, Age: 1}},
		},
		{
			name:  "adds one year",
			given: []domain.Event{domain.UserAgeChanged{User: viewer, Age: 30}},
			when:  domain.IncrementAge{},
			then:  []domain.Event{domain.UserAgeChanged{User: viewer, Age: 31}},
		},
		{
			name:    "is refused beyond the maximum",
			given:   []domain.Event{domain.UserAgeChanged{User: viewer, Age: 1_000_000}},
			when:    domain.IncrementAge{},
			refused: domain.CodeNumberOutOfRange,
		},
	})
}

func TestChangeProfile(t *testing.T) {
	run(t, []spec{
		{
			name: "changes nickname and avatar",
			when: domain.ChangeProfile{Nickname: new(" Zoë "), Avatar: new("https://x/z.png")},
			then: []domain.Event{domain.UserProfileChanged{User: viewer, Nickname: "Zoë", Avatar: "https://x/z.png"}},
		},
		{
			name: "accepts empty values",
			when: domain.ChangeProfile{Nickname: new(""), Avatar: new("")},
			then: []domain.Event{domain.UserProfileChanged{User: viewer}},
		},
		{
			name:  "keeps the avatar when only the nickname is given",
			given: []domain.Event{domain.UserProfileChanged{User: viewer, Nickname: "Zoë", Avatar: "https://x/z.png"}},
			when:  domain.ChangeProfile{Nickname: new("Zo")},
			then:  []domain.Event{domain.UserProfileChanged{User: viewer, Nickname: "Zo", Avatar: "https://x/z.png"}},
		},
		{
			name:  "keeps the nickname when only the avatar is given, even if the name now belongs to another user",
			given: []domain.Event{domain.UserProfileChanged{User: viewer, Nickname: "Zoë"}, domain.UsernameClaimed{Key: keyOf("Zoë"), User: otherUser}},
			when:  domain.ChangeProfile{Avatar: new("https://x/y.png")},
			then:  []domain.Event{domain.UserProfileChanged{User: viewer, Nickname: "Zoë", Avatar: "https://x/y.png"}},
		},
		{
			name: "changes texts and age together",
			when: domain.ChangeProfile{Nickname: new("Zoë"), Age: new(30)},
			then: []domain.Event{domain.UserProfileChanged{User: viewer, Nickname: "Zoë"}, domain.UserAgeChanged{User: viewer, Age: 30}},
		},
		{name: "changes no text when the age is refused", when: domain.ChangeProfile{Nickname: new("Zoë"), Age: new(-1)}, refused: domain.CodeNumberOutOfRange},
		{name: "changes no age when the nickname is refused", when: domain.ChangeProfile{Nickname: new("a\nb"), Age: new(30)}, refused: domain.CodeTextInvalid},
		{name: "is refused when nothing is given", when: domain.ChangeProfile{}, refused: domain.CodeBadRequest},
	})
}
