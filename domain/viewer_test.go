package domain_test

import (
	"testing"

	"roomlog/domain"
)

func joined(u domain.UserID, first bool, process string) domain.Event {
	return domain.ViewerJoined{Live: 6, User: u, FirstVisit: first, Node: process}
}

func left(u domain.UserID) domain.Event {
	return domain.ViewerLeft{Live: 6, User: u, Cause: domain.LeaveRequested}
}

func TestJoinLive(t *testing.T) {
	join := domain.JoinLive{Live: 6, Node: "p1"}
	run(t, []spec{
		{
			name:  "is the first visit of somebody who never was there",
			given: liveOnAir(6),
			when:  join,
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "is the first visit although another was there",
			given: events(liveOnAir(6), []domain.Event{joined(stranger, true, "p1")}),
			when:  join,
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "is no first visit of somebody who comes back",
			given: events(liveOnAir(6), []domain.Event{joined(viewer, true, "p1"), left(viewer)}),
			when:  join,
			then:  []domain.Event{joined(viewer, false, "p1")},
		},
		{
			name:  "changes nothing for somebody who is there",
			given: events(liveOnAir(6), []domain.Event{joined(viewer, true, "p1")}),
			when:  join,
		},
		{
			name:  "moves somebody who is there to the process that asks",
			given: events(liveOnAir(6), []domain.Event{joined(viewer, true, "p0")}),
			when:  join,
			then:  []domain.Event{domain.ViewerMoved{Live: 6, User: viewer, Node: "p1"}},
		},
		{
			name:  "changes nothing for somebody who was moved to this process",
			given: events(liveOnAir(6), []domain.Event{joined(viewer, true, "p0"), domain.ViewerMoved{Live: 6, User: viewer, Node: "p1"}}),
			when:  join,
		},
		{
			name:  "lets people into a paused room",
			given: livePaused(6),
			when:  join,
			then:  []domain.Event{joined(viewer, true, "p1")},
		},
		{
			name:  "lets the streamer in",
			given: liveOnAir(6),
			by:    signedIn(streamer),
			when:  join,
			then:  []domain.Event{joined(streamer, true, "p1")},
		},
		{name: "is refused for a room that does not exist", when: join, refused: domain.CodeLiveNotFound},
		{name: "is refused before the room starts", given: liveCreated(6), when: join, refused: domain.CodeLiveNotStarted},
		{name: "is refused after the room has ended", given: liveEnded(6), when: join, refused: domain.CodeLiveEnded},
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
			name:  "is possible after the room has ended",
			given: events(there, []domain.Event{turned(6, domain.StatusOnAir, domain.StatusEnded)}),
			by:    system,
			when:  leave(domain.LeaveRequested),
			then:  []domain.Event{left(viewer)},
		},
		{
			name: "is silent for somebody who never was there",
			by:   system,
			when: leave(domain.LeaveRequested),
		},
		{
			name:  "is silent for somebody who has left",
			given: events(there, []domain.Event{left(viewer)}),
			by:    system,
			when:  leave(domain.LeaveRequested),
		},
		{
			name:  "is silent for somebody whom another process holds by now",
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
			name:    "is refused for a cause of nobody's knowledge",
			given:   there,
			by:      system,
			when:    leave("bored"),
			refused: domain.CodeBadRequest,
		},
	})
}
