package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestKick(t *testing.T) {
	run(t, []spec{
		{
			name: "puts a person out",
			by:   operator,
			when: domain.KickUser{User: viewer, Reason: " be kind "},
			then: []domain.Event{domain.UserKicked{User: viewer, Reason: "be kind"}},
		},
		{
			name:  "needs no reason, and may be done again and again",
			given: []domain.Event{domain.UserKicked{User: viewer}},
			by:    signedIn(boss),
			when:  domain.KickUser{User: viewer},
			then:  []domain.Event{domain.UserKicked{User: viewer}},
		},
		{
			name:    "takes no reason that is longer than people read",
			by:      operator,
			when:    domain.KickUser{User: viewer, Reason: strings.Repeat("字", 101)},
			refused: domain.CodeTextTooLong,
		},
		{
			name:    "takes no reason that cannot be shown",
			by:      operator,
			when:    domain.KickConnection{Connection: "c", Reason: "a\x00b"},
			refused: domain.CodeTextInvalid,
		},
		{name: "is for people whom there are", by: operator, when: domain.KickUser{User: 99}, refused: domain.CodeUserUnavailable},
		{
			name:    "is not for people who were forgotten: their texts cannot be sealed",
			given:   []domain.Event{domain.UserForgotten{User: viewer}},
			by:      operator,
			when:    domain.KickUser{User: viewer, Reason: "x"},
			refused: domain.CodeUserUnavailable,
		},
		{
			name: "puts one connection out",
			by:   operator,
			when: domain.KickConnection{Connection: "abc-12", Reason: "flooding"},
			then: []domain.Event{domain.ConnectionKicked{Connection: "abc-12", Reason: "flooding"}},
		},
		{name: "needs a connection", by: operator, when: domain.KickConnection{}, refused: domain.CodeBadRequest},
		{
			name:    "takes no id that is none",
			by:      operator,
			when:    domain.KickConnection{Connection: domain.ConnectionID(strings.Repeat("c", 65))},
			refused: domain.CodeBadRequest,
		},
		{name: "takes no id that no stream can have", by: operator, when: domain.KickConnection{Connection: "a b"}, refused: domain.CodeTextInvalid},
		{
			name:  "of a player is recorded with the live and the reason",
			given: liveOnAir(6),
			by:    operator,
			when:  domain.KickPlayer{Live: 6, Player: "p-12", Reason: " flooding "},
			then:  []domain.Event{domain.PlayerKicked{Live: 6, Player: "p-12", Reason: "flooding"}},
		},
		{name: "of a player requires the id of a player", by: operator, when: domain.KickPlayer{Live: 6}, refused: domain.CodeBadRequest},
		{name: "of a player requires a live", by: operator, when: domain.KickPlayer{Live: 66, Player: "p-12"}, refused: domain.CodeLiveNotFound},
	})
}
