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
			return domain.Request{Command: domain.JoinLive{Live: 6, Process: s}, By: domain.PersonActor(1, "s")}
		},
		"process, leaving": func(s string) domain.Request {
			return domain.Request{Command: domain.LeaveLive{Live: 6, User: 1, Cause: domain.LeftAsked, Process: s}, By: domain.Actor{Kind: domain.System}}
		},
		"recording": func(s string) domain.Request {
			return domain.Request{Command: domain.DiscardRecording{Live: 6, Recording: "x", Reason: domain.RecordingReason(s)}, By: domain.Actor{Kind: domain.System}}
		},
		"process, entering the chat": func(s string) domain.Request {
			return domain.Request{Command: domain.EnterChat{Connection: "c", Profile: domain.ChatPlain, Process: s}}
		},
		"connection, entering the chat": func(s string) domain.Request {
			return domain.Request{Command: domain.EnterChat{Connection: s, Profile: domain.ChatPlain}}
		},
		"process, leaving the chat": func(s string) domain.Request {
			return domain.Request{Command: domain.LeaveChat{Guest: 1, Cause: domain.LeftAsked, Process: s}, By: domain.Actor{Kind: domain.System}}
		},
	} {
		for _, bad := range []string{"\x00", "a\nb", "é", "\xff", strings.Repeat("x", 201)} {
			if no := domain.Refused(r(bad).Check()); no == nil || no.Code != domain.CodeBadRequest {
				t.Errorf("%s %q: %v", name, bad, no)
			}
		}
		for _, good := range []string{"", "0b1c2d3e-0000-4000-8000-000000000000", strings.Repeat("x", 200)} {
			if err := r(good).Check(); err != nil {
				t.Errorf("%s %q: %v", name, good, err)
			}
		}
	}
}
