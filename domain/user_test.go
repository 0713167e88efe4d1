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
			name: "opens an account and claims its name",
			by:   nobody,
			when: bob,
			then: []domain.Event{
				domain.UserRegistered{User: 14, Username: "bob", Nickname: "Bobby", Avatar: "https://a/b.png", NameKey: "k-bob", Credential: "c1"},
				domain.UsernameClaimed{Key: "k-bob", User: 14},
			},
		},
		{
			name: "trims the names, and needs neither nickname nor avatar nor password",
			by:   nobody,
			when: domain.RegisterUser{Username: "\u3000bob ", Nickname: "  ", NameKey: "k-bob"},
			then: []domain.Event{
				domain.UserRegistered{User: 14, Username: "bob", NameKey: "k-bob"},
				domain.UsernameClaimed{Key: "k-bob", User: 14},
			},
		},
		{
			name:    "is refused when the name is taken",
			given:   []domain.Event{domain.UsernameClaimed{Key: "k-bob", User: 5}},
			by:      nobody,
			when:    bob,
			refused: domain.CodeNameTaken,
		},
		{
			name:    "is refused when somebody forgotten had the name",
			given:   []domain.Event{domain.UserForgotten{User: stranger}},
			by:      nobody,
			when:    with(func(c *domain.RegisterUser) { c.NameKey = nameKey(stranger) }),
			refused: domain.CodeNameTaken,
		},
		{
			name:    "is refused without a username",
			by:      nobody,
			when:    with(func(c *domain.RegisterUser) { c.Username = " " }),
			refused: domain.CodeTextEmpty,
		},
		{
			name:    "is refused without the key of its name, which would make all names one",
			by:      nobody,
			when:    with(func(c *domain.RegisterUser) { c.NameKey = "" }),
			refused: domain.CodeBadRequest,
		},
		{
			name:    "is refused with a key that no stream can be named by",
			by:      nobody,
			when:    with(func(c *domain.RegisterUser) { c.NameKey = "k\x00" }),
			refused: domain.CodeTextInvalid,
		},
	})
}

func TestTheFirstUserIsNumberOne(t *testing.T) {
	got, err := world{}.ask(t, domain.Request{Command: domain.RegisterUser{Username: "bob", NameKey: "k"}})
	if err != nil || got[0].(domain.UserRegistered).User != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestGrowOlder(t *testing.T) {
	run(t, []spec{
		{
			name: "begins with one",
			when: domain.IncrementAge{},
			then: []domain.Event{domain.UserAgeChanged{User: viewer, Age: 1}},
		},
		{
			name:  "adds a year",
			given: []domain.Event{domain.UserAgeChanged{User: viewer, Age: 30}},
			when:  domain.IncrementAge{},
			then:  []domain.Event{domain.UserAgeChanged{User: viewer, Age: 31}},
		},
		{
			name:    "is refused beyond what a client can tell",
			given:   []domain.Event{domain.UserAgeChanged{User: viewer, Age: 1_000_000}},
			when:    domain.IncrementAge{},
			refused: domain.CodeNumberOutOfRange,
		},
	})
}

func TestChangeProfile(t *testing.T) {
	run(t, []spec{
		{
			name: "changes what oneself is called and looks like",
			when: domain.ChangeProfile{Nickname: " Zoë ", Avatar: "z.png"},
			then: []domain.Event{domain.UserProfileChanged{User: viewer, Nickname: "Zoë", Avatar: "z.png"}},
		},
		{
			name: "empties both",
			when: domain.ChangeProfile{},
			then: []domain.Event{domain.UserProfileChanged{User: viewer}},
		},
	})
}
