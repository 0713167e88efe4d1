package domain_test

import (
	"testing"

	"roomlog/domain"
)

var hd = domain.Picture{Video: "h264", Width: 1920, Height: 1080, Audio: "aac"}

func started(l domain.LiveID, show domain.ShowID, process string) domain.Event {
	return domain.LivePublishStarted{Live: l, Streamer: streamer, Show: show, Process: process, Picture: hd}
}

func stopped(l domain.LiveID, show domain.ShowID, why domain.PublishReason, bytes int64) domain.Event {
	return domain.LivePublishStopped{Live: l, Streamer: streamer, Show: show, Reason: why, Bytes: bytes}
}

func TestStartPublish(t *testing.T) {
	start := domain.StartPublish{Live: 6, Show: "s1", Process: "p1", Picture: hd}
	air := start
	air.OnAir = true
	specs := []spec{
		{name: "gives a room a picture, whether it is on air or not", given: liveCreated(6), when: start, then: []domain.Event{started(6, "s1", "p1")}},
		{name: "puts a room on air if it is asked to", given: liveCreated(6), when: air,
			then: []domain.Event{started(6, "s1", "p1"), turned(6, domain.StatusNotStarted, domain.StatusOnAir)}},
		{name: "leaves a pause to the streamer", given: livePaused(6), when: air, then: []domain.Event{started(6, "s1", "p1")}},
		{name: "is said once", given: events(liveOnAir(6), []domain.Event{started(6, "s1", "p1")}), when: start},
		{name: "ends the stream before it", given: events(liveOnAir(6), []domain.Event{started(6, "s0", "p0")}), when: start,
			then: []domain.Event{stopped(6, "s0", domain.PublishReplaced, 0), started(6, "s1", "p1")}},
		{name: "is refused in a room that has ended", given: liveEnded(6), when: air, refused: domain.CodeLiveEnded},
		{name: "is refused where there is no room", when: start, refused: domain.CodeLiveNotFound},
		{name: "needs a name", given: liveOnAir(6), when: domain.StartPublish{Live: 6, Process: "p1"}, refused: domain.CodeBadRequest},
		{name: "needs a process", given: liveOnAir(6), when: domain.StartPublish{Live: 6, Show: "s1"}, refused: domain.CodeBadRequest},
		{name: "takes no name that a table would not", given: liveOnAir(6), when: domain.StartPublish{Live: 6, Show: "s\x00", Process: "p"}, refused: domain.CodeBadRequest},
		{name: "takes no codec that a table would not", given: liveOnAir(6), refused: domain.CodeBadRequest,
			when: domain.StartPublish{Live: 6, Show: "s1", Process: "p1", Picture: domain.Picture{Video: "h\x00"}}},
		{name: "takes no size that a table would not", given: liveOnAir(6), refused: domain.CodeNumber,
			when: domain.StartPublish{Live: 6, Show: "s1", Process: "p1", Picture: domain.Picture{Width: 1 << 40}}},
	}
	for i := range specs {
		specs[i].by = system
	}
	run(t, specs)
}

func TestStopPublish(t *testing.T) {
	stop := domain.StopPublish{Live: 6, Show: "s1", Reason: domain.PublishLost, Bytes: 5000}
	on := events(liveOnAir(6), []domain.Event{started(6, "s1", "p1")})
	specs := []spec{
		{name: "takes the picture away", given: on, when: stop, then: []domain.Event{stopped(6, "s1", domain.PublishLost, 5000)}},
		{name: "does so in a room that has ended", given: events(on, []domain.Event{turned(6, domain.StatusOnAir, domain.StatusEnded)}), when: stop,
			then: []domain.Event{stopped(6, "s1", domain.PublishLost, 5000)}},
		{name: "is said once", given: events(on, []domain.Event{stopped(6, "s1", domain.PublishLost, 5000)}), when: stop},
		{name: "concerns no later stream", given: events(on, []domain.Event{stopped(6, "s1", domain.PublishReplaced, 0), started(6, "s2", "p1")}), when: stop},
		{name: "is silent about a stream that never was", given: liveOnAir(6), when: stop},
		{name: "is silent about no stream", given: liveOnAir(6), when: domain.StopPublish{Live: 6, Reason: domain.PublishLost}},
		{name: "needs a reason", given: on, when: domain.StopPublish{Live: 6, Show: "s1", Reason: "bored"}, refused: domain.CodeBadRequest},
		{name: "takes no absurd size", given: on, when: domain.StopPublish{Live: 6, Show: "s1", Reason: domain.PublishLost, Bytes: -1}, refused: domain.CodeNumber},
	}
	for i := range specs {
		specs[i].by = system
	}
	run(t, specs)
}

func TestKickPublish(t *testing.T) {
	on := events(liveOnAir(6), []domain.Event{started(6, "s1", "p1")})
	specs := []spec{
		{name: "ends the stream, and says why", given: on, when: domain.KickPublish{Live: 6, Note: " not for children "}, then: []domain.Event{
			domain.LivePublishStopped{Live: 6, Streamer: streamer, Show: "s1", Reason: domain.PublishKicked, Note: "not for children"}}},
		{name: "needs no why", given: on, when: domain.KickPublish{Live: 6}, then: []domain.Event{stopped(6, "s1", domain.PublishKicked, 0)}},
		{name: "is refused when there is no stream", given: liveOnAir(6), when: domain.KickPublish{Live: 6}, refused: domain.CodeNoStream},
		{name: "is refused where there is no room", when: domain.KickPublish{Live: 6}, refused: domain.CodeLiveNotFound},
		{name: "takes no text that cannot be shown", given: on, when: domain.KickPublish{Live: 6, Note: "a\x00"}, refused: domain.CodeTextInvalid},
	}
	for i := range specs {
		specs[i].by = operator
	}
	run(t, specs)
}
