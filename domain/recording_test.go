package domain_test

import (
	"strings"
	"testing"
	"time"

	"roomlog/domain"
)

var noon = now.AddDate(0, 0, 1)

func recorded(l domain.LiveID, id domain.RecordingID) domain.Event {
	return domain.RecordingStarted{Live: l, Streamer: streamer, Recording: id}
}

func TestSetRecording(t *testing.T) {
	set := func(on domain.RecordChoice) []domain.Event {
		return []domain.Event{domain.LiveRecordingSet{Live: 6, Streamer: streamer, Record: on}}
	}
	run(t, []spec{
		{name: "has a room recorded", given: liveCreated(6), by: signedIn(streamer), when: domain.SetRecording{Live: 6, On: true}, then: set(domain.RecordOn)},
		{name: "has a room not recorded", given: liveOnAir(6), by: signedIn(streamer), when: domain.SetRecording{Live: 6}, then: set(domain.RecordOff)},
		{name: "is said once", given: events(liveOnAir(6), set(domain.RecordOn)), by: signedIn(streamer), when: domain.SetRecording{Live: 6, On: true}},
		{name: "is said anew when it changes", given: events(liveOnAir(6), set(domain.RecordOn)), by: signedIn(streamer), when: domain.SetRecording{Live: 6}, then: set(domain.RecordOff)},
		{name: "is for the owner alone", given: liveOnAir(6), by: signedIn(viewer), when: domain.SetRecording{Live: 6, On: true}, refused: domain.CodeLiveNotFound},
		{name: "comes too late in a room that has ended", given: liveEnded(6), by: signedIn(streamer), when: domain.SetRecording{Live: 6, On: true}, refused: domain.CodeLiveEnded},
	})
}

func TestRecordings(t *testing.T) {
	finish := domain.FinishRecording{Live: 6, Recording: "s1", Cause: "lost", StartedAt: noon, EndedAt: noon.Add(time.Minute), DurationMS: 59_000, Bytes: 9000,
		Parts: []domain.RecordingPart{{File: "1.mp4", StartedAt: noon, DurationMS: 59_000, Bytes: 8000, Media: hd}}}
	finished := domain.RecordingFinished{Live: 6, Streamer: streamer, Recording: "s1", Cause: "lost", StartedAt: noon, EndedAt: noon.Add(time.Minute),
		DurationMS: 59_000, Bytes: 9000, Parts: finish.Parts}
	deleted := func(why string) domain.Event {
		return domain.RecordingDeleted{Live: 6, Streamer: streamer, Recording: "s1", Cause: domain.RecordingCause(why)}
	}
	with := func(change func(*domain.FinishRecording)) domain.FinishRecording { c := finish; change(&c); return c }
	part := func(p domain.RecordingPart) domain.FinishRecording {
		return with(func(c *domain.FinishRecording) { c.Parts = []domain.RecordingPart{p} })
	}
	begun := events(liveOnAir(6), []domain.Event{started(6, "s1", "p1"), recorded(6, "s1")})
	kept := events(begun, []domain.Event{stopped(6, "s1", domain.StopConnectionLost, 9), finished})
	gone := events(kept, []domain.Event{deleted("requested")})
	discard := domain.DiscardRecording{Live: 6, Recording: "s1", Cause: "quota"}
	deletion := domain.DeleteRecording{Live: 6, Recording: "s1"}
	specs := []spec{
		{name: "one begins", given: liveOnAir(6), when: domain.StartRecording{Live: 6, Recording: "s1"}, then: []domain.Event{recorded(6, "s1")}},
		{name: "one begins once", given: begun, when: domain.StartRecording{Live: 6, Recording: "s1"}},
		{name: "one needs a name", given: liveOnAir(6), when: domain.StartRecording{Live: 6}, refused: domain.CodeBadRequest},
		{name: "one needs a room", when: domain.StartRecording{Live: 6, Recording: "s1"}, refused: domain.CodeLiveNotFound},
		{name: "one ends", given: begun, when: finish, then: []domain.Event{finished}},
		{name: "one ends of which nobody had heard", given: liveOnAir(6), when: finish, then: []domain.Event{recorded(6, "s1"), finished}},
		{name: "one ends in a room that has ended", given: liveEnded(6), when: finish, then: []domain.Event{recorded(6, "s1"), finished}},
		{name: "one ends once", given: kept, when: finish},
		{name: "one does not end when it is deleted", given: gone, when: finish},
		{name: "an end needs a reason", given: begun, when: with(func(c *domain.FinishRecording) { c.Cause = "" }), refused: domain.CodeBadRequest},
		{name: "an end takes no absurd size", given: begun, when: with(func(c *domain.FinishRecording) { c.Bytes = -1 }), refused: domain.CodeNumberOutOfRange},
		{name: "an end takes no absurd time", given: begun, when: with(func(c *domain.FinishRecording) { c.EndedAt = noon.AddDate(9000, 0, 0) }), refused: domain.CodeNumberOutOfRange},
		{name: "an end takes no number of files without end", given: begun, refused: domain.CodeNumberOutOfRange,
			when: with(func(c *domain.FinishRecording) { c.Parts = make([]domain.RecordingPart, 129) })},
		{name: "a file has a name", given: begun, when: part(domain.RecordingPart{StartedAt: noon}), refused: domain.CodeBadRequest},
		{name: "a file has no name that a table would not take", given: begun, when: part(domain.RecordingPart{File: "\x00", StartedAt: noon}), refused: domain.CodeBadRequest},
		{name: "a file has no absurd size", given: begun, when: part(domain.RecordingPart{File: "1.mp4", Bytes: -1, StartedAt: noon}), refused: domain.CodeNumberOutOfRange},
		{name: "a file has no absurd time", given: begun, when: part(domain.RecordingPart{File: "1.mp4", StartedAt: noon.AddDate(9000, 0, 0)}), refused: domain.CodeNumberOutOfRange},
		{name: "a file holds no codec that a table would not take", given: begun, refused: domain.CodeBadRequest,
			when: part(domain.RecordingPart{File: "1.mp4", StartedAt: noon, Media: domain.MediaInfo{Video: "\x00"}})},
		{name: "one makes room", given: kept, when: discard, then: []domain.Event{deleted("quota")}},
		{name: "one makes room once", given: gone, when: discard},
		{name: "one of another room makes none", given: events(kept, liveOnAir(7)), when: domain.DiscardRecording{Live: 7, Recording: "s1", Cause: "quota"}},
		{name: "one does not make room for nothing", given: kept, when: domain.DiscardRecording{Live: 6, Recording: "s1"}, refused: domain.CodeBadRequest},
		{name: "one does not make room for a speech", given: kept, when: domain.DiscardRecording{Live: 6, Recording: "s1", Cause: domain.RecordingCause(strings.Repeat("x", 33))}, refused: domain.CodeBadRequest},
		{name: "its owner deletes one", given: kept, by: signedIn(streamer), when: deletion, then: []domain.Event{deleted("requested")}},
		{name: "an operator deletes one", given: kept, by: signedIn(boss), when: deletion, then: []domain.Event{deleted("requested")}},
		{name: "nobody else deletes one", given: kept, by: signedIn(viewer), when: deletion, refused: domain.CodeRecordingNotFound},
		{name: "one is deleted once", given: gone, by: signedIn(streamer), when: deletion, refused: domain.CodeRecordingNotFound},
		{name: "one that never was is not deleted", given: liveOnAir(6), by: signedIn(streamer), when: deletion, refused: domain.CodeRecordingNotFound},
		{name: "one is not deleted by the name of another room", given: events(kept, liveOnAir(7)), by: signedIn(streamer),
			when: domain.DeleteRecording{Live: 7, Recording: "s1"}, refused: domain.CodeRecordingNotFound},
		{name: "one that is being written is not deleted", given: begun, by: signedIn(streamer), when: deletion, refused: domain.CodeRecordingRunning},
		{name: "one that is being written by another name is not deleted", by: signedIn(streamer), when: deletion, refused: domain.CodeRecordingRunning,
			given: events(begun, []domain.Event{stopped(6, "s1", domain.StopNodeLost, 0), started(6, "s1-1795262400000", "p1")})},
		{name: "one of which nobody will hear again is deleted while the room has another stream", by: signedIn(streamer), when: deletion,
			given: events(begun, []domain.Event{stopped(6, "s1", domain.StopNodeLost, 0), started(6, "s12", "p1")}), then: []domain.Event{deleted("requested")}},
		{name: "one that is finished is deleted while the room has another stream", given: events(kept, []domain.Event{started(6, "s2", "p1")}),
			by: signedIn(streamer), when: deletion, then: []domain.Event{deleted("requested")}},
		{name: "one of which nobody will hear again is deleted", given: events(begun, []domain.Event{stopped(6, "s1", domain.StopNodeLost, 0)}),
			by: signedIn(streamer), when: deletion, then: []domain.Event{deleted("requested")}},
	}
	for i := range specs {
		if specs[i].by == (domain.Actor{}) {
			specs[i].by = system
		}
	}
	run(t, specs)
}
