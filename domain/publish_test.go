package domain_test

import (
	"testing"

	"roomlog/domain"
)

var hd = domain.MediaInfo{Video: "h264", Width: 1920, Height: 1080, Audio: "aac"}

func started(l domain.LiveID, show domain.BroadcastID, process string) domain.Event {
	return domain.BroadcastStarted{Live: l, Streamer: streamer, Broadcast: show, Node: process, Media: hd}
}

func stopped(l domain.LiveID, show domain.BroadcastID, why domain.StopCause, bytes int64) domain.Event {
	return domain.BroadcastStopped{Live: l, Streamer: streamer, Broadcast: show, Cause: why, Bytes: bytes}
}

func TestStartPublish(t *testing.T) {
	start := domain.StartBroadcast{Live: 6, Broadcast: "s1", Node: "p1", Media: hd}
	air := start
	air.OnAir = true
	specs := []spec{
		{name: "gives a room a picture, whether it is on air or not", given: liveCreated(6), when: start, then: []domain.Event{started(6, "s1", "p1")}},
		{name: "puts a room on air if it is asked to", given: liveCreated(6), when: air,
			then: []domain.Event{started(6, "s1", "p1"), turned(6, domain.StatusNotStarted, domain.StatusOnAir)}},
		{name: "leaves a pause to the streamer", given: livePaused(6), when: air, then: []domain.Event{started(6, "s1", "p1")}},
		{name: "is said once", given: events(liveOnAir(6), []domain.Event{started(6, "s1", "p1")}), when: start},
		{name: "ends the stream before it", given: events(liveOnAir(6), []domain.Event{started(6, "s0", "p0")}), when: start,
			then: []domain.Event{stopped(6, "s0", domain.StopReplaced, 0), started(6, "s1", "p1")}},
		{name: "is refused in a room that has ended", given: liveEnded(6), when: air, refused: domain.CodeLiveEnded},
		{name: "is refused where there is no room", when: start, refused: domain.CodeLiveNotFound},
		{name: "needs a name", given: liveOnAir(6), when: domain.StartBroadcast{Live: 6, Node: "p1"}, refused: domain.CodeBadRequest},
		{name: "needs a process", given: liveOnAir(6), when: domain.StartBroadcast{Live: 6, Broadcast: "s1"}, refused: domain.CodeBadRequest},
		{name: "takes no name that a table would not", given: liveOnAir(6), when: domain.StartBroadcast{Live: 6, Broadcast: "s\x00", Node: "p"}, refused: domain.CodeBadRequest},
		{name: "takes no codec that a table would not", given: liveOnAir(6), refused: domain.CodeBadRequest,
			when: domain.StartBroadcast{Live: 6, Broadcast: "s1", Node: "p1", Media: domain.MediaInfo{Video: "h\x00"}}},
		{name: "takes no size that a table would not", given: liveOnAir(6), refused: domain.CodeNumberOutOfRange,
			when: domain.StartBroadcast{Live: 6, Broadcast: "s1", Node: "p1", Media: domain.MediaInfo{Width: 1 << 40}}},
	}
	for i := range specs {
		specs[i].by = system
	}
	run(t, specs)
}

func TestStopPublish(t *testing.T) {
	stop := domain.StopBroadcast{Live: 6, Broadcast: "s1", Cause: domain.StopConnectionLost, Bytes: 5000}
	on := events(liveOnAir(6), []domain.Event{started(6, "s1", "p1")})
	specs := []spec{
		{name: "takes the picture away", given: on, when: stop, then: []domain.Event{stopped(6, "s1", domain.StopConnectionLost, 5000)}},
		{name: "does so in a room that has ended", given: events(on, []domain.Event{turned(6, domain.StatusOnAir, domain.StatusEnded)}), when: stop,
			then: []domain.Event{stopped(6, "s1", domain.StopConnectionLost, 5000)}},
		{name: "is said once", given: events(on, []domain.Event{stopped(6, "s1", domain.StopConnectionLost, 5000)}), when: stop},
		{name: "concerns no later stream", given: events(on, []domain.Event{stopped(6, "s1", domain.StopReplaced, 0), started(6, "s2", "p1")}), when: stop},
		{name: "is silent about a stream that never was", given: liveOnAir(6), when: stop},
		{name: "is silent about no stream", given: liveOnAir(6), when: domain.StopBroadcast{Live: 6, Cause: domain.StopConnectionLost}},
		{name: "needs a reason", given: on, when: domain.StopBroadcast{Live: 6, Broadcast: "s1", Cause: "bored"}, refused: domain.CodeBadRequest},
		{name: "takes no absurd size", given: on, when: domain.StopBroadcast{Live: 6, Broadcast: "s1", Cause: domain.StopConnectionLost, Bytes: -1}, refused: domain.CodeNumberOutOfRange},
	}
	for i := range specs {
		specs[i].by = system
	}
	run(t, specs)
}

func TestKickPublish(t *testing.T) {
	on := events(liveOnAir(6), []domain.Event{started(6, "s1", "p1")})
	specs := []spec{
		{name: "ends the stream, and says why", given: on, when: domain.KickBroadcast{Live: 6, Reason: " not for children "}, then: []domain.Event{
			domain.BroadcastStopped{Live: 6, Streamer: streamer, Broadcast: "s1", Cause: domain.StopKicked, Reason: "not for children"}}},
		{name: "needs no why", given: on, when: domain.KickBroadcast{Live: 6}, then: []domain.Event{stopped(6, "s1", domain.StopKicked, 0)}},
		{name: "is refused when there is no stream", given: liveOnAir(6), when: domain.KickBroadcast{Live: 6}, refused: domain.CodeNoBroadcast},
		{name: "is refused where there is no room", when: domain.KickBroadcast{Live: 6}, refused: domain.CodeLiveNotFound},
		{name: "takes no text that cannot be shown", given: on, when: domain.KickBroadcast{Live: 6, Reason: "a\x00"}, refused: domain.CodeTextInvalid},
	}
	for i := range specs {
		specs[i].by = operator
	}
	run(t, specs)
}
