package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestServerTextsAreBounded(t *testing.T) {
	for name, r := range map[string]func(text string) domain.Request{
		"credential": func(s string) domain.Request {
			return domain.Request{Command: domain.RegisterUser{Username: "bob", NameKey: "k", Credential: s}}
		},
		"session": func(s string) domain.Request { return domain.Request{Command: domain.SignIn{User: 1, Session: s}} },
		"node, joining": func(s string) domain.Request {
			return domain.Request{Command: domain.JoinLive{Live: 6, Node: s}, Actor: domain.AuthenticatedActor(1, "s")}
		},
		"node, leaving": func(s string) domain.Request {
			return domain.Request{Command: domain.LeaveLive{Live: 6, User: 1, Cause: domain.LeaveRequested, Node: s}, Actor: domain.Actor{Kind: domain.System}}
		},
		"recording": func(s string) domain.Request {
			return domain.Request{Command: domain.DiscardRecording{Live: 6, Recording: "x", Cause: domain.RecordingCause(s)}, Actor: domain.Actor{Kind: domain.System}}
		},
		"node, entering the chat": func(s string) domain.Request {
			return domain.Request{Command: domain.EnterChat{Connection: "c", Profile: domain.ProfilePlain, Node: s}}
		},
		"connection, entering the chat": func(s string) domain.Request {
			return domain.Request{Command: domain.EnterChat{Connection: s, Profile: domain.ProfilePlain}}
		},
		"node, leaving the chat": func(s string) domain.Request {
			return domain.Request{Command: domain.LeaveChat{Participant: 1, Cause: domain.LeaveRequested, Node: s}, Actor: domain.Actor{Kind: domain.System}}
		},
	} {
		for _, bad := range []string{"\x00", "a\nb", "é", "\xff", strings.Repeat("x", 201)} {
			if refusal := domain.AsRefusal(r(bad).Validate()); refusal == nil || refusal.Code != domain.CodeBadRequest {
				t.Errorf("%s %q: got %v", name, bad, refusal)
			}
		}
		for _, good := range []string{"", "0b1c2d3e-0000-4000-8000-000000000000", strings.Repeat("x", 200)} {
			if err := r(good).Validate(); err != nil {
				t.Errorf("%s %q: %v", name, good, err)
			}
		}
	}
}
