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
		{name: "turns recording on", given: liveCreated(6), by: asUser(streamer), when: domain.SetRecording{Live: 6, On: true}, then: set(domain.RecordOn)},
		{name: "turns recording off", given: liveOnAir(6), by: asUser(streamer), when: domain.SetRecording{Live: 6}, then: set(domain.RecordOff)},
		{name: "changes nothing when it is repeated", given: events(liveOnAir(6), set(domain.RecordOn)), by: asUser(streamer), when: domain.SetRecording{Live: 6, On: true}},
		{name: "turns recording off after on", given: events(liveOnAir(6), set(domain.RecordOn)), by: asUser(streamer), when: domain.SetRecording{Live: 6}, then: set(domain.RecordOff)},
		{name: "is refused for the live of another user", given: liveOnAir(6), by: asUser(viewer), when: domain.SetRecording{Live: 6, On: true}, refused: domain.CodeLiveNotFound},
		{name: "is refused when the live has ended", given: liveEnded(6), by: asUser(streamer), when: domain.SetRecording{Live: 6, On: true}, refused: domain.CodeLiveEnded},
	})
}

func TestPublishKey(t *testing.T) {
	hash, other := strings.Repeat("0a", 32), strings.Repeat("b7", 32)
	set := func(hash string) domain.Event { return domain.PublishKeySet{Live: 6, Streamer: streamer, Hash: hash} }
	revoked := domain.PublishKeyRevoked{Live: 6, Streamer: streamer}
	with := events(liveCreated(6), []domain.Event{set(hash)})
	run(t, []spec{
		{name: "is set", given: liveCreated(6), by: asUser(streamer), when: domain.SetPublishKey{Live: 6, Hash: hash}, then: []domain.Event{set(hash)}},
		{name: "is replaced", given: with, by: asUser(streamer), when: domain.SetPublishKey{Live: 6, Hash: other}, then: []domain.Event{set(other)}},
		{name: "changes nothing when it is repeated", given: with, by: asUser(streamer), when: domain.SetPublishKey{Live: 6, Hash: hash}},
		{name: "is refused for the live of another user", given: liveOnAir(6), by: asUser(viewer), when: domain.SetPublishKey{Live: 6, Hash: hash}, refused: domain.CodeLiveNotFound},
		{name: "is refused when the live has ended", given: liveEnded(6), by: asUser(streamer), when: domain.SetPublishKey{Live: 6, Hash: hash}, refused: domain.CodeLiveEnded},
		{name: "is refused when it is no hash", given: liveOnAir(6), by: asUser(streamer), when: domain.SetPublishKey{Live: 6, Hash: strings.Repeat("0A", 32)}, refused: domain.CodeBadRequest},
		{name: "is revoked by the owner", given: with, by: asUser(streamer), when: domain.RevokePublishKey{Live: 6}, then: []domain.Event{revoked}},
		{name: "is revoked by an operator", given: with, by: operator, when: domain.RevokePublishKey{Live: 6}, then: []domain.Event{revoked}},
		{name: "is not revoked twice", given: events(with, []domain.Event{revoked}), by: asUser(streamer), when: domain.RevokePublishKey{Live: 6}},
		{name: "is not revoked by another user", given: with, by: asUser(viewer), when: domain.RevokePublishKey{Live: 6}, refused: domain.CodeLiveNotFound},
	})
}

func TestRestream(t *testing.T) {
	const url, secret = "rtmps://push.example:443/app/instance", "1.c2VhbGVk"
	longURL, longSecret := url+strings.Repeat("/a", 200), strings.Repeat("k", 4000)
	target := func(name string) domain.SetRestream {
		return domain.SetRestream{Live: 6, Target: name, URL: url, Secret: secret}
	}
	at := func(url string) domain.SetRestream { c := target("one"); c.URL = url; return c }
	set := func(name string) domain.Event {
		return domain.RestreamSet{Live: 6, Streamer: streamer, Target: name, URL: url, Secret: secret}
	}
	removed := domain.RestreamRemoved{Live: 6, Streamer: streamer, Target: "one"}
	with := events(liveOnAir(6), []domain.Event{set("one")})
	full := events(with, []domain.Event{set("two"), set("three"), set("four"), set("five")})
	specs := []spec{
		{name: "is set by the owner", given: liveCreated(6), by: asUser(streamer), when: target("one"), then: []domain.Event{set("one")}},
		{name: "is set by an operator", given: liveOnAir(6), by: operator, when: target("one"), then: []domain.Event{set("one")}},
		{name: "is set again, with another key", given: full, by: asUser(streamer), when: target("one"), then: []domain.Event{set("one")}},
		{name: "is refused as the sixth", given: full, by: asUser(streamer), when: target("six"), refused: domain.CodeNumberOutOfRange},
		{name: "has a place after one was removed", given: events(full, []domain.Event{removed}), by: asUser(streamer), when: target("six"), then: []domain.Event{set("six")}},
		{name: "is refused for the live of another user", given: liveOnAir(6), by: asUser(viewer), when: target("one"), refused: domain.CodeLiveNotFound},
		{name: "is refused when the live has ended", given: liveEnded(6), by: asUser(streamer), when: target("one"), refused: domain.CodeLiveEnded},
		{name: "is refused without a name", given: liveOnAir(6), by: asUser(streamer), when: target(""), refused: domain.CodeBadRequest},
		{name: "is refused with letters in the middle of the name that are not permitted", given: liveOnAir(6), by: asUser(streamer), when: target("aÄb"), refused: domain.CodeBadRequest},
		{name: "is refused without a key", given: liveOnAir(6), by: asUser(streamer), when: domain.SetRestream{Live: 6, Target: "one", URL: url}, refused: domain.CodeBadRequest},
		{name: "has a long address and a long key", given: liveOnAir(6), by: asUser(streamer), when: domain.SetRestream{Live: 6, Target: "one", URL: longURL, Secret: longSecret}, then: []domain.Event{
			domain.RestreamSet{Live: 6, Streamer: streamer, Target: "one", URL: longURL, Secret: longSecret}}},
		{name: "is refused with a key that is not sealed", given: liveOnAir(6), by: asUser(streamer), when: domain.SetRestream{Live: 6, Target: "one", URL: url, Secret: "ключ"}, refused: domain.CodeBadRequest},
		{name: "is removed by the owner", given: with, by: asUser(streamer), when: domain.RemoveRestream{Live: 6, Target: "one"}, then: []domain.Event{removed}},
		{name: "is removed by an operator after the end", given: events(with, liveEnded(6)[len(liveOnAir(6)):]), by: operator, when: domain.RemoveRestream{Live: 6, Target: "one"}, then: []domain.Event{removed}},
		{name: "is not removed twice", given: events(with, []domain.Event{removed}), by: asUser(streamer), when: domain.RemoveRestream{Live: 6, Target: "one"}},
		{name: "is not removed by another user", given: with, by: asUser(viewer), when: domain.RemoveRestream{Live: 6, Target: "one"}, refused: domain.CodeLiveNotFound},
	}
	for _, wrong := range []string{"", "http://push.example/app", "rtmp://push.example", "rtmp:///app", "rtmp://user:password@push.example/app", "rtmp://push.example/app?key=1", "rtmp://push.example/app#key", "rtmp://push.example/a b"} {
		specs = append(specs, spec{name: "is refused at the address " + wrong, given: liveOnAir(6), by: asUser(streamer), when: at(wrong), refused: domain.CodeBadRequest})
	}
	run(t, specs)
}

func TestRecordings(t *testing.T) {
	finish := domain.FinishRecording{Live: 6, Recording: "s1", Cause: "lost", StartedAt: noon, EndedAt: noon.Add(time.Minute), DurationMS: 59_000, Bytes: 9000,
		Parts: []domain.RecordingPart{{File: "1.mp4", StartedAt: noon, DurationMS: 59_000, Bytes: 8000, Media: fullHD}}}
	finished := domain.RecordingFinished{Live: 6, Streamer: streamer, Recording: "s1", Cause: "lost", StartedAt: noon, EndedAt: noon.Add(time.Minute),
		DurationMS: 59_000, Bytes: 9000, Parts: finish.Parts}
	deleted := func(cause string) domain.Event {
		return domain.RecordingDeleted{Live: 6, Streamer: streamer, Recording: "s1", Cause: domain.RecordingCause(cause)}
	}
	with := func(change func(*domain.FinishRecording)) domain.FinishRecording { c := finish; change(&c); return c }
	part := func(p domain.RecordingPart) domain.FinishRecording {
		return with(func(c *domain.FinishRecording) { c.Parts = []domain.RecordingPart{p} })
	}
	running := events(liveOnAir(6), []domain.Event{started(6, "s1", "p1"), recorded(6, "s1")})
	finishedOne := events(running, []domain.Event{stopped(6, "s1", domain.StopConnectionLost, 9), finished})
	deletedOne := events(finishedOne, []domain.Event{deleted("requested")})
	discard := domain.DiscardRecording{Live: 6, Recording: "s1", Cause: "quota"}
	deleteIt := domain.DeleteRecording{Live: 6, Recording: "s1"}
	specs := []spec{
		{name: "starting records the start", given: liveOnAir(6), when: domain.StartRecording{Live: 6, Recording: "s1"}, then: []domain.Event{recorded(6, "s1")}},
		{name: "starting changes nothing when it is repeated", given: running, when: domain.StartRecording{Live: 6, Recording: "s1"}},
		{name: "starting is refused without an id", given: liveOnAir(6), when: domain.StartRecording{Live: 6}, refused: domain.CodeBadRequest},
		{name: "starting is refused when the live does not exist", when: domain.StartRecording{Live: 6, Recording: "s1"}, refused: domain.CodeLiveNotFound},
		{name: "starting records the start in the live with the stream", given: liveOnAir(6), when: domain.StartRecording{Live: 6, Recording: "s1", StreamKey: streamKey}, then: []domain.Event{recorded(6, "s1")}},
		{name: "starting is refused when another live has the id of a lost one", given: liveOnAir(6), when: domain.StartRecording{Live: 6, Recording: "s1", StreamKey: "lost"}, refused: domain.CodeLiveNotFound},
		{name: "finishing is refused when another live has the id of a lost one", given: liveOnAir(6), when: with(func(c *domain.FinishRecording) { c.StreamKey = "lost" }), refused: domain.CodeLiveNotFound},
		{name: "finishing records the content", given: running, when: finish, then: []domain.Event{finished}},
		{name: "finishing records a missing start", given: liveOnAir(6), when: finish, then: []domain.Event{recorded(6, "s1"), finished}},
		{name: "finishing is accepted when the live has ended", given: liveEnded(6), when: finish, then: []domain.Event{recorded(6, "s1"), finished}},
		{name: "finishing changes nothing when it is repeated", given: finishedOne, when: finish},
		{name: "finishing changes nothing when the recording is deleted", given: deletedOne, when: finish},
		{name: "finishing is refused without a cause", given: running, when: with(func(c *domain.FinishRecording) { c.Cause = "" }), refused: domain.CodeBadRequest},
		{name: "finishing is refused when bytes are negative", given: running, when: with(func(c *domain.FinishRecording) { c.Bytes = -1 }), refused: domain.CodeNumberOutOfRange},
		{name: "finishing is refused when the year has five digits", given: running, when: with(func(c *domain.FinishRecording) { c.EndedAt = noon.AddDate(9000, 0, 0) }), refused: domain.CodeNumberOutOfRange},
		{name: "finishing is refused with 129 parts", given: running, refused: domain.CodeNumberOutOfRange,
			when: with(func(c *domain.FinishRecording) { c.Parts = make([]domain.RecordingPart, 129) })},
		{name: "finishing is refused when a part has no file", given: running, when: part(domain.RecordingPart{StartedAt: noon}), refused: domain.CodeBadRequest},
		{name: "finishing is refused when a file name is not printable", given: running, when: part(domain.RecordingPart{File: "\x00", StartedAt: noon}), refused: domain.CodeBadRequest},
		{name: "finishing is refused when the bytes of a part are negative", given: running, when: part(domain.RecordingPart{File: "1.mp4", Bytes: -1, StartedAt: noon}), refused: domain.CodeNumberOutOfRange},
		{name: "finishing is refused when the year of a part has five digits", given: running, when: part(domain.RecordingPart{File: "1.mp4", StartedAt: noon.AddDate(9000, 0, 0)}), refused: domain.CodeNumberOutOfRange},
		{name: "finishing is refused when a codec is not printable", given: running, refused: domain.CodeBadRequest,
			when: part(domain.RecordingPart{File: "1.mp4", StartedAt: noon, Media: domain.MediaInfo{Video: "\x00"}})},
		{name: "discarding deletes the recording", given: finishedOne, when: discard, then: []domain.Event{deleted("quota")}},
		{name: "discarding changes nothing when it is repeated", given: deletedOne, when: discard},
		{name: "discarding changes nothing when the recording is of another live", given: events(finishedOne, liveOnAir(7)), when: domain.DiscardRecording{Live: 7, Recording: "s1", Cause: "quota"}},
		{name: "discarding is refused without a cause", given: finishedOne, when: domain.DiscardRecording{Live: 6, Recording: "s1"}, refused: domain.CodeBadRequest},
		{name: "discarding is refused when the cause has 33 bytes", given: finishedOne, when: domain.DiscardRecording{Live: 6, Recording: "s1", Cause: domain.RecordingCause(strings.Repeat("x", 33))}, refused: domain.CodeBadRequest},
		{name: "deleting is accepted from the owner", given: finishedOne, by: asUser(streamer), when: deleteIt, then: []domain.Event{deleted("requested")}},
		{name: "deleting is accepted from an operator", given: finishedOne, by: asUser(operatorUser), when: deleteIt, then: []domain.Event{deleted("requested")}},
		{name: "deleting is refused for other users", given: finishedOne, by: asUser(viewer), when: deleteIt, refused: domain.CodeRecordingNotFound},
		{name: "deleting is refused when it is repeated", given: deletedOne, by: asUser(streamer), when: deleteIt, refused: domain.CodeRecordingNotFound},
		{name: "deleting is refused when the recording does not exist", given: liveOnAir(6), by: asUser(streamer), when: deleteIt, refused: domain.CodeRecordingNotFound},
		{name: "deleting is refused when the recording is of another live", given: events(finishedOne, liveOnAir(7)), by: asUser(streamer),
			when: domain.DeleteRecording{Live: 7, Recording: "s1"}, refused: domain.CodeRecordingNotFound},
		{name: "deleting is refused while the recording is being written", given: running, by: asUser(streamer), when: deleteIt, refused: domain.CodeRecordingRunning},
		{name: "deleting is refused while the broadcast is resumed under another id", by: asUser(streamer), when: deleteIt, refused: domain.CodeRecordingRunning,
			given: events(running, []domain.Event{stopped(6, "s1", domain.StopNodeLost, 0), started(6, "s1-1795262400000", "p1")})},
		{name: "deleting is accepted when an unfinished recording was lost and the live has another broadcast", by: asUser(streamer), when: deleteIt,
			given: events(running, []domain.Event{stopped(6, "s1", domain.StopNodeLost, 0), started(6, "s12", "p1")}), then: []domain.Event{deleted("requested")}},
		{name: "deleting is accepted when the recording is finished and the live has another broadcast", given: events(finishedOne, []domain.Event{started(6, "s2", "p1")}),
			by: asUser(streamer), when: deleteIt, then: []domain.Event{deleted("requested")}},
		{name: "deleting is accepted when an unfinished recording was lost", given: events(running, []domain.Event{stopped(6, "s1", domain.StopNodeLost, 0)}),
			by: asUser(streamer), when: deleteIt, then: []domain.Event{deleted("requested")}},
	}
	for i := range specs {
		if specs[i].by == (domain.Actor{}) {
			specs[i].by = system
		}
	}
	run(t, specs)
}
