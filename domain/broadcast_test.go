package domain_test

import (
	"testing"

	"roomlog/domain"
)

var fullHD = domain.MediaInfo{Video: "h264", Width: 1920, Height: 1080, Audio: "aac"}

func started(l domain.LiveID, broadcast domain.BroadcastID, node string) domain.Event {
	return domain.BroadcastStarted{Live: l, Streamer: streamer, Broadcast: broadcast, Node: node, Media: fullHD}
}

func stopped(l domain.LiveID, broadcast domain.BroadcastID, cause domain.StopCause, bytes int64) domain.Event {
	return domain.BroadcastStopped{Live: l, Streamer: streamer, Broadcast: broadcast, Cause: cause, Bytes: bytes}
}

func TestStartBroadcast(t *testing.T) {
	start := domain.StartBroadcast{Live: 6, Broadcast: "s1", Node: "p1", Media: fullHD}
	air := start
	air.OnAir = true
	specs := []spec{
		{name: "starts a broadcast whatever the status of the live is", given: liveCreated(6), when: start, then: []domain.Event{started(6, "s1", "p1")}},
		{name: "puts the live on air when on_air is set", given: liveCreated(6), when: air,
			then: []domain.Event{started(6, "s1", "p1"), statusChanged(6, domain.StatusNotStarted, domain.StatusOnAir)}},
		{name: "does not end a pause", given: livePaused(6), when: air, then: []domain.Event{started(6, "s1", "p1")}},
		{name: "changes nothing when it is repeated", given: events(liveOnAir(6), []domain.Event{started(6, "s1", "p1")}), when: start},
		{name: "stops the running broadcast", given: events(liveOnAir(6), []domain.Event{started(6, "s0", "p0")}), when: start,
			then: []domain.Event{stopped(6, "s0", domain.StopReplaced, 0), started(6, "s1", "p1")}},
		{name: "is refused when the live has ended", given: liveEnded(6), when: air, refused: domain.CodeLiveEnded},
		{name: "is refused when the live does not exist", when: start, refused: domain.CodeLiveNotFound},
		{name: "is refused without a broadcast id", given: liveOnAir(6), when: domain.StartBroadcast{Live: 6, Node: "p1"}, refused: domain.CodeBadRequest},
		{name: "is refused without a node", given: liveOnAir(6), when: domain.StartBroadcast{Live: 6, Broadcast: "s1"}, refused: domain.CodeBadRequest},
		{name: "is refused when the id is not printable", given: liveOnAir(6), when: domain.StartBroadcast{Live: 6, Broadcast: "s\x00", Node: "p"}, refused: domain.CodeBadRequest},
		{name: "is refused when the codec is not printable", given: liveOnAir(6), refused: domain.CodeBadRequest,
			when: domain.StartBroadcast{Live: 6, Broadcast: "s1", Node: "p1", Media: domain.MediaInfo{Video: "h\x00"}}},
		{name: "is refused when the size is out of range", given: liveOnAir(6), refused: domain.CodeNumberOutOfRange,
			when: domain.StartBroadcast{Live: 6, Broadcast: "s1", Node: "p1", Media: domain.MediaInfo{Width: 1 << 40}}},
	}
	for i := range specs {
		specs[i].by = system
	}
	run(t, specs)
}

func TestStopBroadcast(t *testing.T) {
	stop := domain.StopBroadcast{Live: 6, Broadcast: "s1", Cause: domain.StopConnectionLost, Bytes: 5000}
	on := events(liveOnAir(6), []domain.Event{started(6, "s1", "p1")})
	specs := []spec{
		{name: "stops the broadcast", given: on, when: stop, then: []domain.Event{stopped(6, "s1", domain.StopConnectionLost, 5000)}},
		{name: "stops the broadcast of a live that has ended", given: events(on, []domain.Event{statusChanged(6, domain.StatusOnAir, domain.StatusEnded)}), when: stop,
			then: []domain.Event{stopped(6, "s1", domain.StopConnectionLost, 5000)}},
		{name: "changes nothing when it is repeated", given: events(on, []domain.Event{stopped(6, "s1", domain.StopConnectionLost, 5000)}), when: stop},
		{name: "changes nothing when the live has another broadcast", given: events(on, []domain.Event{stopped(6, "s1", domain.StopReplaced, 0), started(6, "s2", "p1")}), when: stop},
		{name: "changes nothing when the live has no broadcast", given: liveOnAir(6), when: stop},
		{name: "changes nothing without a broadcast id", given: liveOnAir(6), when: domain.StopBroadcast{Live: 6, Cause: domain.StopConnectionLost}},
		{name: "is refused when the cause is unknown", given: on, when: domain.StopBroadcast{Live: 6, Broadcast: "s1", Cause: "bored"}, refused: domain.CodeBadRequest},
		{name: "is refused when bytes are negative", given: on, when: domain.StopBroadcast{Live: 6, Broadcast: "s1", Cause: domain.StopConnectionLost, Bytes: -1}, refused: domain.CodeNumberOutOfRange},
	}
	for i := range specs {
		specs[i].by = system
	}
	run(t, specs)
}

func TestKickBroadcast(t *testing.T) {
	on := events(liveOnAir(6), []domain.Event{started(6, "s1", "p1")})
	specs := []spec{
		{name: "stops the broadcast and records the reason", given: on, when: domain.KickBroadcast{Live: 6, Reason: " not for children "}, then: []domain.Event{
			domain.BroadcastStopped{Live: 6, Streamer: streamer, Broadcast: "s1", Cause: domain.StopKicked, Reason: "not for children"}}},
		{name: "does not require a reason", given: on, when: domain.KickBroadcast{Live: 6}, then: []domain.Event{stopped(6, "s1", domain.StopKicked, 0)}},
		{name: "is refused when the live has no broadcast", given: liveOnAir(6), when: domain.KickBroadcast{Live: 6}, refused: domain.CodeNoBroadcast},
		{name: "is refused when the live does not exist", when: domain.KickBroadcast{Live: 6}, refused: domain.CodeLiveNotFound},
		{name: "is refused when the reason has a control character", given: on, when: domain.KickBroadcast{Live: 6, Reason: "a\x00"}, refused: domain.CodeTextInvalid},
	}
	for i := range specs {
		specs[i].by = operator
	}
	run(t, specs)
}
