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
		{name: "opens an account that is called by what stands before the @", by: nobody, when: register, then: opened("Zoe", "Zoe@example.org")},
		{name: "is silent when there is one", given: []domain.Event{domain.EmailClaimed{Key: "e-zoe", User: 12}}, by: nobody, when: register},
		{name: "splits at the last @", by: nobody, when: email(`"a@b"@example.org`), then: opened(`"a@b"`, `"a@b"@example.org`)},
		{name: "cuts a long name", by: nobody, when: email(long + "@a"), then: opened(long[:32*len("长")], long+"@a")},
		{name: "is refused without an @", by: nobody, when: email("zoe"), refused: domain.CodeEmailInvalid},
		{name: "is refused with nothing before it", by: nobody, when: email("@example.org"), refused: domain.CodeEmailInvalid},
		{name: "is refused with nothing behind it", by: nobody, when: email("zoe@"), refused: domain.CodeEmailInvalid},
		{name: "is refused with a space", by: nobody, when: email("zoe li@example.org"), refused: domain.CodeEmailInvalid},
		{name: "is refused when it is too long", by: nobody, when: email(strings.Repeat("z", 250) + "@a.bc"), refused: domain.CodeEmailInvalid},
		{name: "is refused with 10 MB", by: nobody, when: email(strings.Repeat("z", 10_000_000) + "@a.bc"), refused: domain.CodeEmailInvalid},
		{name: "is refused with NUL", by: nobody, when: email("z\x00@a.bc"), refused: domain.CodeTextInvalid},
		{name: "is refused when it is no UTF-8", by: nobody, when: email("z\xff@a.bc"), refused: domain.CodeTextInvalid},
		{name: "is refused without a key, which would make all one", by: nobody, when: with(func(c *domain.RegisterByEmail) { c.EmailKey = "" }), refused: domain.CodeBadRequest},
	})
}

func TestNoRightsWithoutAPassword(t *testing.T) {
	run(t, []spec{{
		name:    "somebody who signs in by an e-mail address alone gets no role",
		given:   []domain.Event{domain.UserEmailAdded{User: stranger, Email: "s@example.org"}},
		by:      operator,
		when:    domain.GrantRole{User: stranger, Role: domain.RoleAnalyst},
		refused: domain.CodeForbidden,
	}})
}
