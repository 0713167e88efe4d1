package domain_test

import (
	"testing"

	"roomlog/domain"
)

func joined(u domain.UserID, first bool, node string) domain.Event {
	return domain.ViewerJoined{Live: 6, User: u, FirstVisit: first, Node: node}
}

func left(u domain.UserID) domain.Event {
	return domain.ViewerLeft{Live: 6, User: u, Cause: domain.LeaveRequested}
}

func TestJoinLive(t *testing.T) {
	join := domain.JoinLive{Live: 6, Node: "p1"}
	run(t, []spec{
		{
			name:  "is a first visit when the user has never been there",
			given: liveOnAir(6),
			when:  join,
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "is a first visit even if another user has been there",
			given: events(liveOnAir(6), []domain.Event{joined(otherUser, true, "p1")}),
			when:  join,
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "is no first visit when the user returns",
			given: events(liveOnAir(6), []domain.Event{joined(viewer, true, "p1"), left(viewer)}),
			when:  join,
			then:  []domain.Event{joined(viewer, false, "p1")},
		},
		{
			name:  "changes nothing when the user is present",
			given: events(liveOnAir(6), []domain.Event{joined(viewer, true, "p1")}),
			when:  join,
		},
		{
			name:  "moves a present user to another node",
			given: events(liveOnAir(6), []domain.Event{joined(viewer, true, "p0")}),
			when:  join,
			then:  []domain.Event{domain.ViewerMoved{Live: 6, User: viewer, Node: "p1"}},
		},
		{
			name:  "changes nothing when the user was moved to the node",
			given: events(liveOnAir(6), []domain.Event{joined(viewer, true, "p0"), domain.ViewerMoved{Live: 6, User: viewer, Node: "p1"}}),
			when:  join,
		},
		{
			name:  "is accepted when the live is paused",
			given: livePaused(6),
			when:  join,
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "is accepted from the streamer",
			given: liveOnAir(6),
			by:    asUser(streamer),
			when:  join,
			then:  []domain.Event{joined(streamer, true, "p1")},
		},
		{name: "is refused when the live does not exist", when: join, refused: domain.CodeLiveNotFound},
		{name: "is refused before the live starts", given: liveCreated(6), when: join, refused: domain.CodeLiveNotStarted},
		{name: "is refused after the live has ended", given: liveEnded(6), when: join, refused: domain.CodeLiveEnded},
	})
}

func TestLeaveLive(t *testing.T) {
	there := events(liveOnAir(6), []domain.Event{joined(viewer, true, "p1")})
	leave := func(cause domain.LeaveCause) domain.LeaveLive {
		return domain.LeaveLive{Live: 6, User: viewer, Cause: cause, Node: "p1"}
	}
	for _, cause := range []domain.LeaveCause{
		domain.LeaveRequested, domain.LeaveConnectionLost, domain.LeaveNodeLost, domain.LeaveLiveEnded, domain.LeaveRemoved,
	} {
		run(t, []spec{{
			name:  "ends a visit: " + string(cause),
			given: there,
			by:    system,
			when:  leave(cause),
			then:  []domain.Event{domain.ViewerLeft{Live: 6, User: viewer, Cause: cause}},
		}})
	}
	run(t, []spec{
		{
			name:  "is accepted after the live has ended",
			given: events(there, []domain.Event{statusChanged(6, domain.StatusOnAir, domain.StatusEnded)}),
			by:    system,
			when:  leave(domain.LeaveRequested),
			then:  []domain.Event{left(viewer)},
		},
		{
			name: "changes nothing when the user has never been there",
			by:   system,
			when: leave(domain.LeaveRequested),
		},
		{
			name:  "changes nothing when the user has left",
			given: events(there, []domain.Event{left(viewer)}),
			by:    system,
			when:  leave(domain.LeaveRequested),
		},
		{
			name:  "changes nothing when another node holds the user",
			given: events(there, []domain.Event{domain.ViewerMoved{Live: 6, User: viewer, Node: "p2"}}),
			by:    system,
			when:  leave(domain.LeaveNodeLost),
		},
		{
			name:    "is refused without a cause",
			given:   there,
			by:      system,
			when:    leave(""),
			refused: domain.CodeBadRequest,
		},
		{
			name:    "is refused when the cause is unknown",
			given:   there,
			by:      system,
			when:    leave("bored"),
			refused: domain.CodeBadRequest,
		},
	})
}
