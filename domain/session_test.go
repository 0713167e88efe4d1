package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestSignIn(t *testing.T) {
	run(t, []spec{
		{
			name: "starts a session and ends the older one",
			by:   anonymous,
			when: domain.SignIn{User: viewer, Session: "s2"},
			then: []domain.Event{domain.UserSignedIn{User: viewer, Session: "s2"}},
		},
		{
			name:    "is refused when the user does not exist",
			by:      anonymous,
			when:    domain.SignIn{User: 99, Session: "s2"},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused when the user is disabled",
			given:   []domain.Event{domain.UserDisabled{User: viewer}},
			by:      anonymous,
			when:    domain.SignIn{User: viewer, Session: "s2"},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused when the user is forgotten",
			given:   []domain.Event{domain.UserForgotten{User: viewer}},
			by:      anonymous,
			when:    domain.SignIn{User: viewer, Session: "s2"},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused without a session id",
			by:      anonymous,
			when:    domain.SignIn{User: viewer},
			refused: domain.CodeBadRequest,
		},
	})
}

func TestSignOut(t *testing.T) {
	run(t, []spec{
		{
			name: "ends the session of the actor",
			when: domain.SignOut{},
			then: []domain.Event{domain.UserSignedOut{User: viewer, Session: sessionOf(viewer)}},
		},
		{
			name:  "ends the newest session",
			given: []domain.Event{domain.UserSignedIn{User: viewer, Session: "s2"}},
			by:    domain.AuthenticatedActor(viewer, "s2"),
			when:  domain.SignOut{},
			then:  []domain.Event{domain.UserSignedOut{User: viewer, Session: "s2"}},
		},
		{
			name:    "is refused when a newer session has ended it",
			given:   []domain.Event{domain.UserSignedIn{User: viewer, Session: "s2"}},
			when:    domain.SignOut{},
			refused: domain.CodeSessionEnded,
		},
		{
			name:    "is refused when it is repeated",
			given:   []domain.Event{domain.UserSignedOut{User: viewer, Session: sessionOf(viewer)}},
			when:    domain.SignOut{},
			refused: domain.CodeSessionEnded,
		},
		{
			name:    "is refused with the session of another user",
			by:      domain.AuthenticatedActor(viewer, sessionOf(streamer)),
			when:    domain.SignOut{},
			refused: domain.CodeSessionEnded,
		},
	})
}
