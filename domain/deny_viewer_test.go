package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func denied(u domain.UserID, until int64) domain.Event {
	return domain.ViewerBanned{Live: 6, User: u, From: now.Unix() - 60, Until: until}
}

func TestDenyViewer(t *testing.T) {
	deny := domain.BanViewer{Live: 6, User: viewer, Seconds: 60, Reason: "be kind"}
	then := []domain.Event{domain.ViewerBanned{Live: 6, User: viewer, From: now.Unix(), Until: now.Unix() + 60, Reason: "be kind"}}
	crowd := liveOnAir(6)
	for u := range domain.UserID(500) {
		crowd = append(crowd, denied(100+u, 0))
	}
	run(t, []spec{
		{name: "is for the streamer", given: liveOnAir(6), by: signedIn(streamer), when: deny, then: then},
		{name: "is for an operator", given: liveOnAir(6), by: signedIn(boss), when: deny, then: then},
		{name: "is for the command line", given: liveOnAir(6), by: operator, when: deny, then: then},
		{name: "is for nobody else, to whom it is not theirs", given: liveOnAir(6), by: signedIn(stranger), when: deny, refused: domain.CodeLiveNotFound},
		{name: "needs a room", by: operator, when: deny, refused: domain.CodeLiveNotFound},
		{name: "needs a person", given: liveOnAir(6), by: operator, when: domain.BanViewer{Live: 6, User: 99}, refused: domain.CodeUserUnavailable},
		{
			name:  "needs one with a key to seal the reason with",
			given: append(liveOnAir(6), domain.UserForgotten{User: viewer}),
			by:    operator, when: deny, refused: domain.CodeUserUnavailable,
		},
		{name: "is not for the streamer", given: liveOnAir(6), by: operator, when: domain.BanViewer{Live: 6, User: streamer}, refused: domain.CodeBadRequest},
		{name: "takes no long reason", given: liveOnAir(6), by: operator, when: domain.BanViewer{Live: 6, User: viewer, Reason: strings.Repeat("r", 101)}, refused: domain.CodeTextTooLong},
		{name: "knows no time before now", given: liveOnAir(6), by: operator, when: domain.BanViewer{Live: 6, User: viewer, Seconds: -1}, refused: domain.CodeNumberOutOfRange},
		{name: "for good is for good", given: append(liveOnAir(6), denied(viewer, 0)), by: operator, when: domain.BanViewer{Live: 6, User: viewer}},
		{name: "changes how long", given: append(liveOnAir(6), denied(viewer, 0)), by: operator, when: deny, then: then},
		{name: "keeps out so many and no more", given: crowd, by: operator, when: deny, refused: domain.CodeNumberOutOfRange},
		{
			name:  "changes how long of one of so many",
			given: append(crowd[:len(crowd)-1:len(crowd)-1], denied(viewer, 0)), by: operator, when: deny, then: then,
		},
		{
			name:  "counts nobody whose time is over",
			given: append(crowd[:len(crowd)-1:len(crowd)-1], denied(999, now.Unix())), by: operator, when: deny, then: then,
		},
	})
}

func TestWhoIsKeptOutOfARoom(t *testing.T) {
	world := func(more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), liveOnAir(8), giftListed(3, 30), coinsCredited(viewer, 100), more)
	}
	sent := domain.SendGift{Live: 6, Gift: 3, Num: 1}
	run(t, []spec{
		{name: "does not join", given: world(denied(viewer, 0)), when: domain.JoinLive{Live: 6, Node: "p1"}, refused: domain.CodeBanned},
		{name: "says nothing", given: world(denied(viewer, 0)), when: domain.PostComment{Live: 6, Text: "hello"}, refused: domain.CodeBanned},
		{name: "gives nothing", given: world(denied(viewer, now.Unix()+1)), when: sent, refused: domain.CodeBanned},
		{
			name:  "joins another room",
			given: world(denied(viewer, 0)),
			when:  domain.JoinLive{Live: 8, Node: "p1"},
			then:  []domain.Event{domain.ViewerJoined{Live: 8, User: viewer, FirstVisit: true, Node: "p1"}},
		},
		{
			name:  "is not another",
			given: world(denied(stranger, 0)),
			when:  domain.JoinLive{Live: 6, Node: "p1"},
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "comes back when the time is over",
			given: world(denied(viewer, now.Unix())),
			when:  domain.JoinLive{Live: 6, Node: "p1"},
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "comes back when allowed",
			given: world(denied(viewer, 0), domain.ViewerUnbanned{Live: 6, User: viewer}),
			when:  domain.JoinLive{Live: 6, Node: "p1"},
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "is told so in a room that is open, and of others that they are not",
			given: events(liveEnded(6), []domain.Event{denied(viewer, 0)}),
			when:  domain.JoinLive{Live: 6, Node: "p1"}, refused: domain.CodeLiveEnded,
		},
	})
}

func TestAllowViewer(t *testing.T) {
	allow := domain.UnbanViewer{Live: 6, User: viewer}
	then := []domain.Event{domain.ViewerUnbanned{Live: 6, User: viewer}}
	run(t, []spec{
		{name: "is for the streamer", given: append(liveOnAir(6), denied(viewer, 0)), by: signedIn(streamer), when: allow, then: then},
		{name: "is for an operator", given: append(liveOnAir(6), denied(viewer, 0)), by: signedIn(boss), when: allow, then: then},
		{name: "is not for who is kept out", given: append(liveOnAir(6), denied(viewer, 0)), when: allow, refused: domain.CodeLiveNotFound},
		{name: "changes nothing for others", given: append(liveOnAir(6), denied(stranger, 0)), by: operator, when: allow},
	})
}
