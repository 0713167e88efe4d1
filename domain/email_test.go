package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestRegisterByEmail(t *testing.T) {
	register := domain.RegisterByEmail{Email: " Zoe@example.org ", EmailKey: "e-zoe", Avatar: "https://a/zoe.png"}
	with := func(change func(*domain.RegisterByEmail)) domain.RegisterByEmail { c := register; change(&c); return c }
	opened := func(name, email string) []domain.Event {
		return []domain.Event{
			domain.UserRegistered{User: 14, Username: name, Avatar: "https://a/zoe.png", NameKey: "email-e-zoe"},
			domain.UserEmailAdded{User: 14, Email: email},
			domain.EmailClaimed{Key: "e-zoe", User: 14},
		}
	}
	email := func(s string) domain.RegisterByEmail { return with(func(c *domain.RegisterByEmail) { c.Email = s }) }
	long := strings.Repeat("长", 33)
	run(t, []spec{
		{name: "uses the part before the @ as username", by: anonymous, when: register, then: opened("Zoe", "Zoe@example.org")},
		{name: "changes nothing when the address has an account", given: []domain.Event{domain.EmailClaimed{Key: "e-zoe", User: 12}}, by: anonymous, when: register},
		{name: "splits at the last @", by: anonymous, when: email(`"a@b"@example.org`), then: opened(`"a@b"`, `"a@b"@example.org`)},
		{name: "truncates a long username", by: anonymous, when: email(long + "@a"), then: opened(long[:32*len("长")], long+"@a")},
		{name: "is refused without an @", by: anonymous, when: email("zoe"), refused: domain.CodeEmailInvalid},
		{name: "is refused with nothing before the @", by: anonymous, when: email("@example.org"), refused: domain.CodeEmailInvalid},
		{name: "is refused with nothing after the @", by: anonymous, when: email("zoe@"), refused: domain.CodeEmailInvalid},
		{name: "is refused when it has a space", by: anonymous, when: email("zoe li@example.org"), refused: domain.CodeEmailInvalid},
		{name: "is refused when it is too long", by: anonymous, when: email(strings.Repeat("z", 250) + "@a.bc"), refused: domain.CodeEmailInvalid},
		{name: "is refused when it has 1 MB", by: anonymous, when: email(strings.Repeat("z", 1_000_000) + "@a.bc"), refused: domain.CodeEmailInvalid},
		{name: "is refused when it has a NUL byte", by: anonymous, when: email("z\x00@a.bc"), refused: domain.CodeTextInvalid},
		{name: "is refused when it is not UTF-8", by: anonymous, when: email("z\xff@a.bc"), refused: domain.CodeTextInvalid},
		{name: "is refused when the part before the @ cannot be seen", by: anonymous, when: email("\u200b\u0301@a.bc"), refused: domain.CodeTextInvalid},
		{name: "is refused without the key of the address", by: anonymous, when: with(func(c *domain.RegisterByEmail) { c.EmailKey = "" }), refused: domain.CodeBadRequest},
	})
}

func TestRolesRequireAPassword(t *testing.T) {
	run(t, []spec{{
		name:    "a user without a password gets no role",
		given:   []domain.Event{domain.UserEmailAdded{User: otherUser, Email: "s@example.org"}},
		by:      operator,
		when:    domain.GrantRole{User: otherUser, Role: domain.RoleAnalyst},
		refused: domain.CodeForbidden,
	}})
}
