package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestNamesThatADoorDrawsCannotPoisonATable(t *testing.T) {
	for name, r := range map[string]func(drawn string) domain.Request{
		"credential": func(s string) domain.Request {
			return domain.Request{Command: domain.RegisterUser{Username: "bob", NameKey: "k", Credential: s}}
		},
		"session": func(s string) domain.Request { return domain.Request{Command: domain.SignIn{User: 1, Session: s}} },
		"process, joining": func(s string) domain.Request {
			return domain.Request{Command: domain.JoinLive{Live: 6, Node: s}, Actor: domain.AuthenticatedActor(1, "s")}
		},
		"process, leaving": func(s string) domain.Request {
			return domain.Request{Command: domain.LeaveLive{Live: 6, User: 1, Cause: domain.LeaveRequested, Node: s}, Actor: domain.Actor{Kind: domain.System}}
		},
		"recording": func(s string) domain.Request {
			return domain.Request{Command: domain.DiscardRecording{Live: 6, Recording: "x", Cause: domain.RecordingCause(s)}, Actor: domain.Actor{Kind: domain.System}}
		},
		"process, entering the chat": func(s string) domain.Request {
			return domain.Request{Command: domain.EnterChat{Connection: "c", Profile: domain.ProfilePlain, Node: s}}
		},
		"connection, entering the chat": func(s string) domain.Request {
			return domain.Request{Command: domain.EnterChat{Connection: s, Profile: domain.ProfilePlain}}
		},
		"process, leaving the chat": func(s string) domain.Request {
			return domain.Request{Command: domain.LeaveChat{Participant: 1, Cause: domain.LeaveRequested, Node: s}, Actor: domain.Actor{Kind: domain.System}}
		},
	} {
		for _, bad := range []string{"\x00", "a\nb", "é", "\xff", strings.Repeat("x", 201)} {
			if no := domain.AsRefusal(r(bad).Validate()); no == nil || no.Code != domain.CodeBadRequest {
				t.Errorf("%s %q: %v", name, bad, no)
			}
		}
		for _, good := range []string{"", "0b1c2d3e-0000-4000-8000-000000000000", strings.Repeat("x", 200)} {
			if err := r(good).Validate(); err != nil {
				t.Errorf("%s %q: %v", name, good, err)
			}
		}
	}
}
