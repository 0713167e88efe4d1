package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestCreateLive(t *testing.T) {
	run(t, []spec{
		{
			name: "opens a room of one's own",
			when: domain.CreateLive{Title: " evening songs ", Cover: "https://a/c.png", StreamKey: key},
			then: []domain.Event{domain.LiveCreated{Live: 1, Streamer: viewer, Title: "evening songs", Cover: "https://a/c.png", StreamKey: key}},
		},
		{
			name:  "takes the next number, and needs no cover",
			given: liveCreated(6),
			when:  domain.CreateLive{Title: "more songs", StreamKey: key},
			then:  []domain.Event{domain.LiveCreated{Live: 7, Streamer: viewer, Title: "more songs", StreamKey: key}},
		},
		{name: "is refused without a title", when: domain.CreateLive{Title: "\u2003", StreamKey: key}, refused: domain.CodeTextEmpty},
		{name: "is refused without a stream key", when: domain.CreateLive{Title: "songs"}, refused: domain.CodeBadRequest},
		{name: "is refused with a stream key too short", when: domain.CreateLive{Title: "songs", StreamKey: key[1:]}, refused: domain.CodeBadRequest},
		{name: "is refused with a stream key too long", when: domain.CreateLive{Title: "songs", StreamKey: key + "0"}, refused: domain.CodeBadRequest},
		{name: "is refused with a stream key that could be a path", when: domain.CreateLive{Title: "songs", StreamKey: "../" + key[3:]}, refused: domain.CodeBadRequest},
	})
}

func TestChangeLiveStatus(t *testing.T) {
	change := func(to domain.LiveChange) domain.ChangeLiveStatus { return domain.ChangeLiveStatus{Live: 6, To: to} }
	for _, tt := range []struct {
		name    string
		given   []domain.Event
		from    domain.Status
		to      domain.LiveChange
		becomes domain.Status // follows, unless it is refused or equals from
		refused domain.Code
	}{
		{"puts a new room on air", liveCreated(6), domain.StatusNotStarted, domain.LivePlay, domain.StatusOnAir, ""},
		{"cannot pause a new room", liveCreated(6), domain.StatusNotStarted, domain.LivePause, 0, domain.CodeLiveNotStarted},
		{"ends a new room", liveCreated(6), domain.StatusNotStarted, domain.LiveStop, domain.StatusEnded, ""},
		{"changes nothing in a room that is on air already", liveOnAir(6), domain.StatusOnAir, domain.LivePlay, domain.StatusOnAir, ""},
		{"pauses a room on air", liveOnAir(6), domain.StatusOnAir, domain.LivePause, domain.StatusPaused, ""},
		{"ends a room on air", liveOnAir(6), domain.StatusOnAir, domain.LiveStop, domain.StatusEnded, ""},
		{"goes on after a pause", livePaused(6), domain.StatusPaused, domain.LivePlay, domain.StatusOnAir, ""},
		{"changes nothing in a room that is paused already", livePaused(6), domain.StatusPaused, domain.LivePause, domain.StatusPaused, ""},
		{"ends a paused room", livePaused(6), domain.StatusPaused, domain.LiveStop, domain.StatusEnded, ""},
		{"cannot put an ended room on air", liveEnded(6), domain.StatusEnded, domain.LivePlay, 0, domain.CodeLiveEnded},
		{"cannot pause an ended room", liveEnded(6), domain.StatusEnded, domain.LivePause, 0, domain.CodeLiveEnded},
		{"is refused when it ends a room again", liveEnded(6), domain.StatusEnded, domain.LiveStop, 0, domain.CodeLiveEnded},
		{"is refused when it is none of the three", liveOnAir(6), domain.StatusOnAir, "rewind", 0, domain.CodeBadRequest},
		{"is refused when it is empty", liveOnAir(6), domain.StatusOnAir, "", 0, domain.CodeBadRequest},
	} {
		var then []domain.Event
		if tt.refused == "" && tt.from != tt.becomes {
			then = []domain.Event{turned(6, tt.from, tt.becomes)}
		}
		run(t, []spec{{name: tt.name, given: tt.given, by: signedIn(streamer), when: change(tt.to), then: then, refused: tt.refused}})
	}
	run(t, []spec{
		{
			name:    "is refused for a room that does not exist",
			by:      signedIn(streamer),
			when:    change(domain.LivePlay),
			refused: domain.CodeLiveNotFound,
		},
		{
			name:    "is refused for another's room as if there were none",
			given:   liveCreated(6),
			by:      signedIn(viewer),
			when:    change(domain.LivePlay),
			refused: domain.CodeLiveNotFound,
		},
		{
			name:    "does not tell that another's room has ended",
			given:   liveEnded(6),
			by:      signedIn(viewer),
			when:    change(domain.LiveStop),
			refused: domain.CodeLiveNotFound,
		},
		{
			name:    "is refused for an operator: a room is its streamer's",
			given:   liveCreated(6),
			by:      signedIn(boss),
			when:    change(domain.LivePlay),
			refused: domain.CodeLiveNotFound,
		},
		{
			name:  "but an operator may end it",
			given: liveOnAir(6),
			by:    signedIn(boss),
			when:  change(domain.LiveStop),
			then:  []domain.Event{turned(6, domain.StatusOnAir, domain.StatusEnded)},
		},
		{
			name:  "also at the command line",
			given: livePaused(6),
			by:    operator,
			when:  change(domain.LiveStop),
			then:  []domain.Event{turned(6, domain.StatusPaused, domain.StatusEnded)},
		},
		{
			name:    "and not one that is not there",
			by:      operator,
			when:    change(domain.LiveStop),
			refused: domain.CodeLiveNotFound,
		},
	})
}

func TestStreamKeysAreOfLettersAndDigits(t *testing.T) {
	const proper = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	w := after(t, people())
	for c := range 256 {
		r := domain.Request{Actor: signedIn(viewer), Command: domain.CreateLive{Title: "songs", StreamKey: key[:10] + string([]byte{byte(c)}) + key[11:]}}
		_, err := w.ask(t, r)
		no := domain.AsRefusal(err)
		if good := strings.IndexByte(proper, byte(c)) >= 0; good != (err == nil) || !good && no.Code != domain.CodeBadRequest {
			t.Errorf("a key with byte %#x: %v", c, err)
		}
	}
}
