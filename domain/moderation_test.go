package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestBanUser(t *testing.T) {
	hour := now.Unix() + 3600
	run(t, []spec{
		{
			name: "bans a user for a time",
			by:   operator,
			when: domain.BanUser{User: viewer, Seconds: 3600, Reason: "cool down"},
			then: []domain.Event{domain.UserBanned{User: viewer, Until: hour, Reason: "cool down"}},
		},
		{
			name: "bans a user for good",
			by:   operator,
			when: domain.BanUser{User: viewer},
			then: []domain.Event{domain.UserBanned{User: viewer}},
		},
		{
			name:  "changes the duration",
			given: []domain.Event{domain.UserBanned{User: viewer}},
			by:    operator,
			when:  domain.BanUser{User: viewer, Seconds: 3600},
			then:  []domain.Event{domain.UserBanned{User: viewer, Until: hour}},
		},
		{
			name:  "changes nothing when a ban for good is repeated",
			given: []domain.Event{domain.UserBanned{User: viewer}},
			by:    operator,
			when:  domain.BanUser{User: viewer},
		},
		{
			name:  "ends the lives of the user that are on air or paused",
			given: events(liveOnAir(6), livePaused(8), liveCreated(9), liveEnded(10)),
			by:    operator,
			when:  domain.BanUser{User: streamer, Lives: []domain.LiveID{6, 8, 9, 10, 6, 99}},
			then: []domain.Event{
				domain.UserBanned{User: streamer},
				statusChanged(6, domain.StatusOnAir, domain.StatusEnded), statusChanged(8, domain.StatusPaused, domain.StatusEnded),
			},
		},
		{
			name:  "does not end the lives of other users",
			given: liveOnAir(6),
			by:    operator,
			when:  domain.BanUser{User: viewer, Lives: []domain.LiveID{6}},
			then:  []domain.Event{domain.UserBanned{User: viewer}},
		},
		{
			name:  "ends further lives when it is repeated",
			given: events(liveOnAir(6), []domain.Event{domain.UserBanned{User: streamer}}),
			by:    operator,
			when:  domain.BanUser{User: streamer, Lives: []domain.LiveID{6}},
			then:  []domain.Event{statusChanged(6, domain.StatusOnAir, domain.StatusEnded)},
		},
		{name: "is refused when the duration is negative", by: operator, when: domain.BanUser{User: viewer, Seconds: -1}, refused: domain.CodeNumberOutOfRange},
		{name: "is refused when the duration exceeds ten years", by: operator, when: domain.BanUser{User: viewer, Seconds: 10*365*24*3600 + 1}, refused: domain.CodeNumberOutOfRange},
		{name: "is refused when the reason is too long", by: operator, when: domain.BanUser{User: viewer, Reason: strings.Repeat("r", 101)}, refused: domain.CodeTextTooLong},
		{name: "is refused when the user does not exist", by: operator, when: domain.BanUser{User: 99}, refused: domain.CodeUserUnavailable},
		{
			name:  "expires",
			given: events(liveOnAir(6), []domain.Event{domain.UserBanned{User: viewer, Until: now.Unix()}}),
			when:  domain.JoinLive{Live: 6, Node: "p1"},
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:    "prevents signing in",
			given:   []domain.Event{domain.UserBanned{User: viewer}},
			by:      anonymous,
			when:    domain.SignIn{User: viewer, Session: "s2"},
			refused: domain.CodeBanned,
		},
	})
}

func TestUnbanUser(t *testing.T) {
	run(t, []spec{
		{
			name:  "lifts the ban",
			given: []domain.Event{domain.UserBanned{User: viewer}},
			by:    operator,
			when:  domain.UnbanUser{User: viewer},
			then:  []domain.Event{domain.UserUnbanned{User: viewer}},
		},
		{
			name:  "gives back every right",
			given: events(liveOnAir(6), []domain.Event{domain.UserBanned{User: viewer}, domain.UserUnbanned{User: viewer}}),
			when:  domain.PostComment{Live: 6, Text: "hello"},
			then:  []domain.Event{domain.CommentPosted{Live: 6, User: viewer, Text: "hello"}},
		},
		{
			name:  "changes nothing when the ban has expired",
			given: []domain.Event{domain.UserBanned{User: viewer, Until: now.Unix()}},
			by:    operator,
			when:  domain.UnbanUser{User: viewer},
		},
		{name: "changes nothing when the user is not banned", by: operator, when: domain.UnbanUser{User: viewer}},
	})
}

// TestExclusionEndsLives checks that a command that excludes a streamer also ends the lives of the streamer.
func TestExclusionEndsLives(t *testing.T) {
	on := events(liveOnAir(6), liveOnAir(8))
	ends := []domain.Event{statusChanged(6, domain.StatusOnAir, domain.StatusEnded), statusChanged(8, domain.StatusOnAir, domain.StatusEnded)}
	lives := []domain.LiveID{6, 8}
	run(t, []spec{
		{
			name:  "by disabling",
			given: on, by: operator, when: domain.DisableUser{User: streamer, Lives: lives},
			then: append([]domain.Event{domain.UserDisabled{User: streamer}}, ends...),
		},
		{
			name:  "by forgetting",
			given: on, by: operator, when: domain.ForgetUser{User: streamer, Lives: lives},
			then: append([]domain.Event{domain.UserForgotten{User: streamer}}, ends...),
		},
		{
			name:  "by disabling again",
			given: events(on, []domain.Event{domain.UserDisabled{User: streamer}}),
			by:    operator, when: domain.DisableUser{User: streamer, Lives: lives}, then: ends,
		},
		{
			name:  "by forgetting again",
			given: events(on, []domain.Event{domain.UserForgotten{User: streamer}}),
			by:    operator, when: domain.ForgetUser{User: streamer, Lives: lives}, then: ends,
		},
	})
}
