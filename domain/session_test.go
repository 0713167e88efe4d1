package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestSignIn(t *testing.T) {
	run(t, []spec{
		{
			name: "begins a session and thereby ends the one before",
			by:   nobody,
			when: domain.SignIn{User: viewer, Session: "s2"},
			then: []domain.Event{domain.UserSignedIn{User: viewer, Session: "s2"}},
		},
		{
			name:    "is refused for somebody who does not exist",
			by:      nobody,
			when:    domain.SignIn{User: 99, Session: "s2"},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused for somebody who is locked out",
			given:   []domain.Event{domain.UserDisabled{User: viewer}},
			by:      nobody,
			when:    domain.SignIn{User: viewer, Session: "s2"},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused for somebody forgotten",
			given:   []domain.Event{domain.UserForgotten{User: viewer}},
			by:      nobody,
			when:    domain.SignIn{User: viewer, Session: "s2"},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused without the id of a session",
			by:      nobody,
			when:    domain.SignIn{User: viewer},
			refused: domain.CodeBadRequest,
		},
	})
}

func TestSignOut(t *testing.T) {
	run(t, []spec{
		{
			name: "ends one's own session",
			when: domain.SignOut{},
			then: []domain.Event{domain.UserSignedOut{User: viewer, Session: session(viewer)}},
		},
		{
			name:  "ends the newest session",
			given: []domain.Event{domain.UserSignedIn{User: viewer, Session: "s2"}},
			by:    domain.AuthenticatedActor(viewer, "s2"),
			when:  domain.SignOut{},
			then:  []domain.Event{domain.UserSignedOut{User: viewer, Session: "s2"}},
		},
		{
			name:    "is refused for a session that a newer one has ended",
			given:   []domain.Event{domain.UserSignedIn{User: viewer, Session: "s2"}},
			when:    domain.SignOut{},
			refused: domain.CodeSessionEnded,
		},
		{
			name:    "is refused the second time",
			given:   []domain.Event{domain.UserSignedOut{User: viewer, Session: session(viewer)}},
			when:    domain.SignOut{},
			refused: domain.CodeSessionEnded,
		},
		{
			name:    "is refused for somebody else's session",
			by:      domain.AuthenticatedActor(viewer, session(streamer)),
			when:    domain.SignOut{},
			refused: domain.CodeSessionEnded,
		},
	})
}
