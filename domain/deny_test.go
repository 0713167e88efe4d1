package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestDenyUser(t *testing.T) {
	hour := now.Unix() + 3600
	run(t, []spec{
		{
			name: "keeps a person out for a time",
			by:   operator,
			when: domain.BanUser{User: viewer, Seconds: 3600, Reason: "cool down"},
			then: []domain.Event{domain.UserBanned{User: viewer, Until: hour, Reason: "cool down"}},
		},
		{
			name: "keeps a person out for good",
			by:   operator,
			when: domain.BanUser{User: viewer},
			then: []domain.Event{domain.UserBanned{User: viewer}},
		},
		{
			name:  "changes how long",
			given: []domain.Event{domain.UserBanned{User: viewer}},
			by:    operator,
			when:  domain.BanUser{User: viewer, Seconds: 3600},
			then:  []domain.Event{domain.UserBanned{User: viewer, Until: hour}},
		},
		{
			name:  "for good is for good",
			given: []domain.Event{domain.UserBanned{User: viewer}},
			by:    operator,
			when:  domain.BanUser{User: viewer},
		},
		{
			name:  "ends the rooms of a streamer that are on air or paused, and no other",
			given: events(liveOnAir(6), livePaused(8), liveCreated(9), liveEnded(10)),
			by:    operator,
			when:  domain.BanUser{User: streamer, Lives: []domain.LiveID{6, 8, 9, 10, 6, 99}},
			then: []domain.Event{
				domain.UserBanned{User: streamer},
				turned(6, domain.StatusOnAir, domain.StatusEnded), turned(8, domain.StatusPaused, domain.StatusEnded),
			},
		},
		{
			name:  "ends nobody else's room",
			given: liveOnAir(6),
			by:    operator,
			when:  domain.BanUser{User: viewer, Lives: []domain.LiveID{6}},
			then:  []domain.Event{domain.UserBanned{User: viewer}},
		},
		{
			name:  "ends the rooms that were not known when it was done first",
			given: events(liveOnAir(6), []domain.Event{domain.UserBanned{User: streamer}}),
			by:    operator,
			when:  domain.BanUser{User: streamer, Lives: []domain.LiveID{6}},
			then:  []domain.Event{turned(6, domain.StatusOnAir, domain.StatusEnded)},
		},
		{name: "knows no time before now", by: operator, when: domain.BanUser{User: viewer, Seconds: -1}, refused: domain.CodeNumberOutOfRange},
		{name: "knows no time beyond ten years", by: operator, when: domain.BanUser{User: viewer, Seconds: 10*365*24*3600 + 1}, refused: domain.CodeNumberOutOfRange},
		{name: "takes no long reason", by: operator, when: domain.BanUser{User: viewer, Reason: strings.Repeat("r", 101)}, refused: domain.CodeTextTooLong},
		{name: "is for people whom there are", by: operator, when: domain.BanUser{User: 99}, refused: domain.CodeUserUnavailable},
		{
			name:  "is over when its time is over",
			given: events(liveOnAir(6), []domain.Event{domain.UserBanned{User: viewer, Until: now.Unix()}}),
			when:  domain.JoinLive{Live: 6, Node: "p1"},
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:    "keeps people from signing in",
			given:   []domain.Event{domain.UserBanned{User: viewer}},
			by:      nobody,
			when:    domain.SignIn{User: viewer, Session: "s2"},
			refused: domain.CodeBanned,
		},
	})
}

func TestAllowUser(t *testing.T) {
	run(t, []spec{
		{
			name:  "lets a person in again",
			given: []domain.Event{domain.UserBanned{User: viewer}},
			by:    operator,
			when:  domain.UnbanUser{User: viewer},
			then:  []domain.Event{domain.UserUnbanned{User: viewer}},
		},
		{
			name:  "and then the person may do everything",
			given: events(liveOnAir(6), []domain.Event{domain.UserBanned{User: viewer}, domain.UserUnbanned{User: viewer}}),
			when:  domain.PostComment{Live: 6, Text: "hello"},
			then:  []domain.Event{domain.CommentPosted{Live: 6, User: viewer, Text: "hello"}},
		},
		{
			name:  "changes nothing when the time is over anyway",
			given: []domain.Event{domain.UserBanned{User: viewer, Until: now.Unix()}},
			by:    operator,
			when:  domain.UnbanUser{User: viewer},
		},
		{name: "changes nothing for others", by: operator, when: domain.UnbanUser{User: viewer}},
	})
}

// Whoever is locked out is off the air: in the same command, so that it is never half done.
func TestWhoeverIsLockedOutIsOffTheAir(t *testing.T) {
	on := events(liveOnAir(6), liveOnAir(8))
	ends := []domain.Event{turned(6, domain.StatusOnAir, domain.StatusEnded), turned(8, domain.StatusOnAir, domain.StatusEnded)}
	lives := []domain.LiveID{6, 8}
	run(t, []spec{
		{
			name:  "when disabled",
			given: on, by: operator, when: domain.DisableUser{User: streamer, Lives: lives},
			then: append([]domain.Event{domain.UserDisabled{User: streamer}}, ends...),
		},
		{
			name:  "when forgotten",
			given: on, by: operator, when: domain.ForgetUser{User: streamer, Lives: lives},
			then: append([]domain.Event{domain.UserForgotten{User: streamer}}, ends...),
		},
		{
			name:  "when disabled before",
			given: events(on, []domain.Event{domain.UserDisabled{User: streamer}}),
			by:    operator, when: domain.DisableUser{User: streamer, Lives: lives}, then: ends,
		},
		{
			name:  "when forgotten before",
			given: events(on, []domain.Event{domain.UserForgotten{User: streamer}}),
			by:    operator, when: domain.ForgetUser{User: streamer, Lives: lives}, then: ends,
		},
	})
}
