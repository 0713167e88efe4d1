package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestKick(t *testing.T) {
	run(t, []spec{
		{
			name: "of a user is recorded with the reason",
			by:   operator,
			when: domain.KickUser{User: viewer, Reason: " be kind "},
			then: []domain.Event{domain.UserKicked{User: viewer, Reason: "be kind"}},
		},
		{
			name:  "of a user may be repeated and does not require a reason",
			given: []domain.Event{domain.UserKicked{User: viewer}},
			by:    asUser(operatorUser),
			when:  domain.KickUser{User: viewer},
			then:  []domain.Event{domain.UserKicked{User: viewer}},
		},
		{
			name:    "is refused when the reason has 101 characters",
			by:      operator,
			when:    domain.KickUser{User: viewer, Reason: strings.Repeat("字", 101)},
			refused: domain.CodeTextTooLong,
		},
		{
			name:    "is refused when the reason has a control character",
			by:      operator,
			when:    domain.KickConnection{Connection: "c", Reason: "a\x00b"},
			refused: domain.CodeTextInvalid,
		},
		{name: "is refused when the user does not exist", by: operator, when: domain.KickUser{User: 99}, refused: domain.CodeUserUnavailable},
		{
			name:    "is refused when the user is forgotten",
			given:   []domain.Event{domain.UserForgotten{User: viewer}},
			by:      operator,
			when:    domain.KickUser{User: viewer, Reason: "x"},
			refused: domain.CodeUserUnavailable,
		},
		{
			name: "of a connection is recorded with the reason",
			by:   operator,
			when: domain.KickConnection{Connection: "abc-12", Reason: "flooding"},
			then: []domain.Event{domain.ConnectionKicked{Connection: "abc-12", Reason: "flooding"}},
		},
		{name: "is refused without a connection", by: operator, when: domain.KickConnection{}, refused: domain.CodeBadRequest},
		{
			name:    "is refused when the connection has 65 bytes",
			by:      operator,
			when:    domain.KickConnection{Connection: domain.ConnectionID(strings.Repeat("c", 65))},
			refused: domain.CodeBadRequest,
		},
		{name: "is refused when the connection has a space", by: operator, when: domain.KickConnection{Connection: "a b"}, refused: domain.CodeTextInvalid},
		{
			name:  "of a player is recorded with the live and the reason",
			given: liveOnAir(6),
			by:    operator,
			when:  domain.KickPlayer{Live: 6, Player: "p-12", Reason: " flooding "},
			then:  []domain.Event{domain.PlayerKicked{Live: 6, Player: "p-12", Reason: "flooding"}},
		},
		{name: "of a player is refused without a player", by: operator, when: domain.KickPlayer{Live: 6}, refused: domain.CodeBadRequest},
		{name: "of a player is refused when the live does not exist", by: operator, when: domain.KickPlayer{Live: 66, Player: "p-12"}, refused: domain.CodeLiveNotFound},
	})
}
