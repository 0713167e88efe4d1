package broadcasts_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/disk"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/record"
)

// TestRecordingsOfViewersWithoutAccess requests a file, the index and the playlist of a recording. It uses the signs of
// viewers who lose the right to play, and a sign without a name while only signed-in users may play.
func TestRecordingsOfViewersWithoutAccess(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p", nil)
	archive := func(mode broadcasts.PlayersMode) *broadcasts.Recordings {
		r, err := broadcasts.NewRecordings(broadcasts.RecordingsConfig{Commands: p.sequencer, Queries: p.queries, Signer: p.signer,
			Log: slog.New(slog.DiscardHandler), Now: p.now.Now, Players: mode, Record: broadcasts.RecordAll})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	open, limited := archive(broadcasts.PlayersAnyone), archive(broadcasts.PlayersSignedIn)
	recorder, err := record.New(record.Config{Recordings: t.TempDir(), Now: p.now.Now, Log: slog.New(slog.DiscardHandler), Observer: open, Settings: disk.Settings{DiskReserve: -1}})
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	l := p.live()
	p.publish(l)
	b := p.server.Snapshot().Streams[0].Broadcast
	open.Start(t.Context(), l.id, b, p.server, recorder)
	folder := strconv.FormatInt(int64(l.id), 10)
	var rec record.Recording
	p.eventually("the recording has a fragment", func() bool {
		rec, _ = recorder.Get(folder, b.ID)
		return len(rec.Parts) > 0 && rec.Parts[0].Length > 0
	})
	expect := func(what string, of *broadcasts.Recordings, sign string, want int) {
		t.Helper()
		handler := &record.Handler{Recorder: recorder, Authorize: of.Authorize}
		for _, file := range []string{rec.Parts[0].File, record.IndexFile, record.PlaylistFile} {
			path := folder + "/" + rec.ID + "/" + file
			got := 0
			p.eventually(what+": "+file, func() bool { // the tables may be behind
				answer := httptest.NewRecorder()
				http.StripPrefix("/", handler).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/"+path+"?sign="+sign, nil).WithContext(t.Context()))
				got = answer.Code
				return got == want && (want == http.StatusOK || answer.Body.Len() == 0)
			})
		}
	}
	anonymous, owner := p.signer.Play(l.key), p.signer.Publish(l.key)
	expect("an anonymous viewer", open, anonymous, http.StatusOK)
	expect("an anonymous viewer where users play", limited, anonymous, http.StatusForbidden)
	expect("the owner", limited, owner, http.StatusOK)
	expect("a sign of another live", open, p.signer.Play("other"), http.StatusForbidden)
	old, err := media.NewSigner([]string{secret}, time.Second, func() time.Time { return p.now.Now().Add(-3 * time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		of      *broadcasts.Recordings
		sign    string
		expired bool // whether the expiry alone is against the sign
	}{
		"an expired sign":                            {open, old.Play(l.key), true},
		"an expired sign of the owner":               {limited, old.Publish(l.key), true},
		"an expired anonymous sign where users play": {limited, old.Play(l.key), false},
		"an expired sign of another live":            {open, old.Play("other"), false},
	} {
		if err := tt.of.Authorize(t.Context(), folder, rec.ID, tt.sign); !errors.Is(err, record.ErrForbidden) || errors.Is(err, media.ErrSignExpired) != tt.expired {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, state := range viewerStates {
		viewer := p.live().owner.User
		named := p.playSign(l, viewer)
		for _, of := range []*broadcasts.Recordings{open, limited} {
			expect("a viewer who is not yet "+state.name, of, named, http.StatusOK)
		}
		p.execute(operator, state.enter(l, viewer))
		for _, of := range []*broadcasts.Recordings{open, limited} {
			expect("a viewer who is "+state.name, of, named, http.StatusForbidden)
		}
		if state.leave != nil {
			p.execute(operator, state.leave(l, viewer))
			expect("a viewer who is no longer "+state.name, limited, named, http.StatusOK)
		}
	}
	open.Stop(l.id, b, media.ReasonStopped, recorder)
}
