package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestCreateLive(t *testing.T) {
	run(t, []spec{
		{
			name: "creates a live of the actor",
			when: domain.CreateLive{Title: " evening songs ", Cover: "https://a/c.png", StreamKey: streamKey},
			then: []domain.Event{domain.LiveCreated{Live: 1, Streamer: viewer, Title: "evening songs", Cover: "https://a/c.png", StreamKey: streamKey}},
		},
		{
			name:  "takes the next id and does not require a cover",
			given: liveCreated(6),
			when:  domain.CreateLive{Title: "more songs", StreamKey: streamKey},
			then:  []domain.Event{domain.LiveCreated{Live: 7, Streamer: viewer, Title: "more songs", StreamKey: streamKey}},
		},
		{name: "is refused without a title", when: domain.CreateLive{Title: "\u2003", StreamKey: streamKey}, refused: domain.CodeTextEmpty},
		{name: "is refused without a stream key", when: domain.CreateLive{Title: "songs"}, refused: domain.CodeBadRequest},
		{name: "is refused when the stream key is too short", when: domain.CreateLive{Title: "songs", StreamKey: streamKey[1:]}, refused: domain.CodeBadRequest},
		{name: "is refused when the stream key is too long", when: domain.CreateLive{Title: "songs", StreamKey: streamKey + "0"}, refused: domain.CodeBadRequest},
		{name: "is refused when the stream key has other characters", when: domain.CreateLive{Title: "songs", StreamKey: "../" + streamKey[3:]}, refused: domain.CodeBadRequest},
	})
}

func TestChangeLiveStatus(t *testing.T) {
	change := func(to domain.LiveChange) domain.ChangeLiveStatus { return domain.ChangeLiveStatus{Live: 6, To: to} }
	for _, tt := range []struct {
		name    string
		given   []domain.Event
		from    domain.Status
		to      domain.LiveChange
		becomes domain.Status // expected status after the event, unless the command is refused or the status does not change
		refused domain.Code
	}{
		{"puts a new live on air", liveCreated(6), domain.StatusNotStarted, domain.LivePlay, domain.StatusOnAir, ""},
		{"pauses a new live", liveCreated(6), domain.StatusNotStarted, domain.LivePause, domain.StatusPaused, ""},
		{"ends a new live", liveCreated(6), domain.StatusNotStarted, domain.LiveStop, domain.StatusEnded, ""},
		{"changes nothing when the live is on air", liveOnAir(6), domain.StatusOnAir, domain.LivePlay, domain.StatusOnAir, ""},
		{"pauses a live on air", liveOnAir(6), domain.StatusOnAir, domain.LivePause, domain.StatusPaused, ""},
		{"ends a live on air", liveOnAir(6), domain.StatusOnAir, domain.LiveStop, domain.StatusEnded, ""},
		{"resumes a paused live", livePaused(6), domain.StatusPaused, domain.LivePlay, domain.StatusOnAir, ""},
		{"changes nothing when the live is paused", livePaused(6), domain.StatusPaused, domain.LivePause, domain.StatusPaused, ""},
		{"ends a paused live", livePaused(6), domain.StatusPaused, domain.LiveStop, domain.StatusEnded, ""},
		{"is refused when the live has ended and should go on air", liveEnded(6), domain.StatusEnded, domain.LivePlay, 0, domain.CodeLiveEnded},
		{"is refused when the live has ended and should pause", liveEnded(6), domain.StatusEnded, domain.LivePause, 0, domain.CodeLiveEnded},
		{"is refused when the live has ended already", liveEnded(6), domain.StatusEnded, domain.LiveStop, 0, domain.CodeLiveEnded},
		{"is refused when the change is unknown", liveOnAir(6), domain.StatusOnAir, "rewind", 0, domain.CodeBadRequest},
		{"is refused when it is empty", liveOnAir(6), domain.StatusOnAir, "", 0, domain.CodeBadRequest},
	} {
		var then []domain.Event
		if tt.refused == "" && tt.from != tt.becomes {
			then = []domain.Event{statusChanged(6, tt.from, tt.becomes)}
		}
		run(t, []spec{{name: tt.name, given: tt.given, by: asUser(streamer), when: change(tt.to), then: then, refused: tt.refused}})
	}
	run(t, []spec{
		{
			name:    "is refused when the live does not exist",
			by:      asUser(streamer),
			when:    change(domain.LivePlay),
			refused: domain.CodeLiveNotFound,
		},
		{
			name:    "is refused for the live of another user",
			given:   liveCreated(6),
			by:      asUser(viewer),
			when:    change(domain.LivePlay),
			refused: domain.CodeLiveNotFound,
		},
		{
			name:    "does not disclose that the live of another user has ended",
			given:   liveEnded(6),
			by:      asUser(viewer),
			when:    change(domain.LiveStop),
			refused: domain.CodeLiveNotFound,
		},
		{
			name:    "is refused when an operator starts the live of another user",
			given:   liveCreated(6),
			by:      asUser(operatorUser),
			when:    change(domain.LivePlay),
			refused: domain.CodeLiveNotFound,
		},
		{
			name:  "is accepted when an operator ends a live",
			given: liveOnAir(6),
			by:    asUser(operatorUser),
			when:  change(domain.LiveStop),
			then:  []domain.Event{statusChanged(6, domain.StatusOnAir, domain.StatusEnded)},
		},
		{
			name:  "is accepted when the command line ends a live",
			given: livePaused(6),
			by:    operator,
			when:  change(domain.LiveStop),
			then:  []domain.Event{statusChanged(6, domain.StatusPaused, domain.StatusEnded)},
		},
		{
			name:    "is refused when an operator ends a live that does not exist",
			by:      operator,
			when:    change(domain.LiveStop),
			refused: domain.CodeLiveNotFound,
		},
	})
}

func TestStreamKeysContainLettersAndDigits(t *testing.T) {
	const proper = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	w := after(t, testUsers())
	for c := range 256 {
		r := domain.Request{Actor: asUser(viewer), Command: domain.CreateLive{Title: "songs", StreamKey: streamKey[:10] + string([]byte{byte(c)}) + streamKey[11:]}}
		_, err := w.decide(t, r)
		refusal := domain.AsRefusal(err)
		if good := strings.IndexByte(proper, byte(c)) >= 0; good != (err == nil) || !good && refusal.Code != domain.CodeBadRequest {
			t.Errorf("a stream key with byte %#x: %v", c, err)
		}
	}
}
