package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func viewerBanned(u domain.UserID, until int64) domain.Event {
	return domain.ViewerBanned{Live: 6, User: u, From: now.Unix() - 60, Until: until}
}

func TestBanViewer(t *testing.T) {
	ban := domain.BanViewer{Live: 6, User: viewer, Seconds: 60, Reason: "be kind"}
	then := []domain.Event{domain.ViewerBanned{Live: 6, User: viewer, From: now.Unix(), Until: now.Unix() + 60, Reason: "be kind"}}
	manyBans := liveOnAir(6)
	for u := range domain.UserID(500) {
		manyBans = append(manyBans, viewerBanned(100+u, 0))
	}
	run(t, []spec{
		{name: "is accepted from the streamer", given: liveOnAir(6), by: asUser(streamer), when: ban, then: then},
		{name: "is accepted from a user with the role operator", given: liveOnAir(6), by: asUser(operatorUser), when: ban, then: then},
		{name: "is accepted from the command line", given: liveOnAir(6), by: operator, when: ban, then: then},
		{name: "is refused for other users", given: liveOnAir(6), by: asUser(otherUser), when: ban, refused: domain.CodeLiveNotFound},
		{name: "is refused when the live does not exist", by: operator, when: ban, refused: domain.CodeLiveNotFound},
		{name: "is refused when the user does not exist", given: liveOnAir(6), by: operator, when: domain.BanViewer{Live: 6, User: 99}, refused: domain.CodeUserUnavailable},
		{
			name:  "is refused when the user is forgotten",
			given: append(liveOnAir(6), domain.UserForgotten{User: viewer}),
			by:    operator, when: ban, refused: domain.CodeUserUnavailable,
		},
		{name: "is refused when the user is the streamer", given: liveOnAir(6), by: operator, when: domain.BanViewer{Live: 6, User: streamer}, refused: domain.CodeBadRequest},
		{name: "is refused when the reason is too long", given: liveOnAir(6), by: operator, when: domain.BanViewer{Live: 6, User: viewer, Reason: strings.Repeat("r", 101)}, refused: domain.CodeTextTooLong},
		{name: "is refused when the duration is negative", given: liveOnAir(6), by: operator, when: domain.BanViewer{Live: 6, User: viewer, Seconds: -1}, refused: domain.CodeNumberOutOfRange},
		{name: "changes nothing when a ban for good is repeated", given: append(liveOnAir(6), viewerBanned(viewer, 0)), by: operator, when: domain.BanViewer{Live: 6, User: viewer}},
		{name: "changes the duration", given: append(liveOnAir(6), viewerBanned(viewer, 0)), by: operator, when: ban, then: then},
		{name: "is refused when the live has 500 bans", given: manyBans, by: operator, when: ban, refused: domain.CodeNumberOutOfRange},
		{
			name:  "changes the duration when the live has 500 bans",
			given: append(manyBans[:len(manyBans)-1:len(manyBans)-1], viewerBanned(viewer, 0)), by: operator, when: ban, then: then,
		},
		{
			name:  "does not count expired bans",
			given: append(manyBans[:len(manyBans)-1:len(manyBans)-1], viewerBanned(999, now.Unix())), by: operator, when: ban, then: then,
		},
	})
}

func TestBannedViewer(t *testing.T) {
	world := func(more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), liveOnAir(8), giftAdded(3, 30), coinsCredited(viewer, 100), more)
	}
	sent := domain.SendGift{Live: 6, Gift: 3, Num: 1}
	run(t, []spec{
		{name: "cannot join", given: world(viewerBanned(viewer, 0)), when: domain.JoinLive{Live: 6, Node: "p1"}, refused: domain.CodeBanned},
		{name: "cannot comment", given: world(viewerBanned(viewer, 0)), when: domain.PostComment{Live: 6, Text: "hello"}, refused: domain.CodeBanned},
		{name: "cannot send gifts", given: world(viewerBanned(viewer, now.Unix()+1)), when: sent, refused: domain.CodeBanned},
		{
			name:  "can join another live",
			given: world(viewerBanned(viewer, 0)),
			when:  domain.JoinLive{Live: 8, Node: "p1"},
			then:  []domain.Event{domain.ViewerJoined{Live: 8, User: viewer, FirstVisit: true, Node: "p1"}},
		},
		{
			name:  "does not affect others",
			given: world(viewerBanned(otherUser, 0)),
			when:  domain.JoinLive{Live: 6, Node: "p1"},
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "can join after the ban has expired",
			given: world(viewerBanned(viewer, now.Unix())),
			when:  domain.JoinLive{Live: 6, Node: "p1"},
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "can join after the ban was lifted",
			given: world(viewerBanned(viewer, 0), domain.ViewerUnbanned{Live: 6, User: viewer}),
			when:  domain.JoinLive{Live: 6, Node: "p1"},
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "is refused with the status of the live first",
			given: events(liveEnded(6), []domain.Event{viewerBanned(viewer, 0)}),
			when:  domain.JoinLive{Live: 6, Node: "p1"}, refused: domain.CodeLiveEnded,
		},
	})
}

func TestUnbanViewer(t *testing.T) {
	unban := domain.UnbanViewer{Live: 6, User: viewer}
	then := []domain.Event{domain.ViewerUnbanned{Live: 6, User: viewer}}
	run(t, []spec{
		{name: "is accepted from the streamer", given: append(liveOnAir(6), viewerBanned(viewer, 0)), by: asUser(streamer), when: unban, then: then},
		{name: "is accepted from a user with the role operator", given: append(liveOnAir(6), viewerBanned(viewer, 0)), by: asUser(operatorUser), when: unban, then: then},
		{name: "is refused for the banned user", given: append(liveOnAir(6), viewerBanned(viewer, 0)), when: unban, refused: domain.CodeLiveNotFound},
		{name: "changes nothing when the user is not banned", given: append(liveOnAir(6), viewerBanned(otherUser, 0)), by: operator, when: unban},
	})
}
