package projections_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

func TestRecordings(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	ann, bob := w.Register("ann"), w.Register("bob")
	live := ann.GoLive("cooking")
	other := bob.GoLive("singing")
	began := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for i, id := range []domain.RecordingID{"a", "b", "c"} {
		at := began.Add(time.Duration(i) * time.Hour)
		w.DoAsSystem(domain.StartRecording{Live: live, Recording: id})
		w.DoAsSystem(domain.FinishRecording{Live: live, Recording: id, Cause: "stopped", StartedAt: at, EndedAt: at.Add(time.Minute), DurationMS: 59_000, Bytes: 9000,
			Parts: []domain.RecordingPart{{File: "1.mp4", StartedAt: at, DurationMS: 59_000, Bytes: 8000, Media: domain.MediaInfo{Video: "h264"}}}})
	}
	w.DoAsSystem(domain.StartRecording{Live: other, Recording: "o"})
	ann.Send(domain.DeleteRecording{Live: live, Recording: "b"})
	w.CatchUp()
	list := func(page, size int) (ids []domain.RecordingID) {
		t.Helper()
		found, err := w.Queries.Recordings(t.Context(), live, page, size)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			ids = append(ids, r.ID)
		}
		return ids
	}
	if got := list(1, 10); !slices.Equal(got, []domain.RecordingID{"c", "a"}) {
		t.Fatalf("got %q", got)
	}
	if got := list(2, 1); !slices.Equal(got, []domain.RecordingID{"a"}) || list(3, 1) != nil || list(0, 1) != nil {
		t.Fatalf("got %q", got)
	}
	got, err := w.Queries.Recording(t.Context(), "c")
	if err != nil || got.Live != live || got.StreamKey == "" || got.Duration != 59*time.Second || !got.StartedAt.Equal(began.Add(2*time.Hour)) ||
		got.Cause != "stopped" || len(got.Parts) != 1 || got.Parts[0].File != "1.mp4" || got.Parts[0].Media.Video != "h264" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got, err := w.Queries.Recording(t.Context(), "o"); err != nil || !got.EndedAt.IsZero() || got.Cause != "" || len(got.Parts) != 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, id := range []domain.RecordingID{"b", "none"} {
		if _, err := w.Queries.Recording(t.Context(), id); !errors.Is(err, projections.ErrNotFound) {
			t.Fatalf("%s: %v", id, err)
		}
	}
	gone := func() []string {
		t.Helper()
		ids, err := w.Queries.DeletedRecordings(t.Context(), []string{"a", "b", "c", "o", "none"})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(ids)
		return ids
	}
	if got := gone(); !slices.Equal(got, []string{"b"}) {
		t.Fatalf("got %q", got)
	}
	w.Do(domain.DisableUser{User: ann.ID})
	w.CatchUp() // the recordings of a disabled owner are not returned
	if got := list(1, 10); got != nil {
		t.Fatalf("got %q", got)
	}
	if _, err := w.Queries.Recording(t.Context(), "c"); !errors.Is(err, projections.ErrNotFound) {
		t.Fatal(err)
	}
	if got := gone(); !slices.Equal(got, []string{"b"}) {
		t.Fatalf("got %q", got)
	}
	w.Do(domain.ForgetUser{User: bob.ID})
	w.CatchUp() // the recordings of a forgotten owner are deleted
	if got := gone(); !slices.Equal(got, []string{"b", "o"}) {
		t.Fatalf("got %q", got)
	}
	if _, err := w.Queries.Recording(t.Context(), "o"); !errors.Is(err, projections.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestRecordChoiceOfALive(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	ann := w.Register("ann")
	live := ann.GoLive("cooking")
	for _, tt := range []struct {
		on   bool
		want domain.RecordChoice
	}{{true, domain.RecordOn}, {false, domain.RecordOff}} {
		ann.Send(domain.SetRecording{Live: live, On: tt.on})
		w.CatchUp()
		if got, err := w.Queries.Live(t.Context(), live); err != nil || got.Record != tt.want {
			t.Fatalf("got %q, %v, want %v", got.Record, err, tt.want)
		}
	}
}
