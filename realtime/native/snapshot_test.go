package native_test

import (
	"testing"
	"time"

	"roomlog/domain"
)

// TestSharedSnapshots lets viewers join a large live one after another. They share a snapshot until a fact was sent or a profile
// has changed, and then get a new one. No fact is missed.
func TestSharedSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config) {
		c.LargeLive, c.JoinBatchInterval = 1, time.Minute
		c.SnapshotAge = time.Hour
	})
	anna, bert, cora, dora := w.register("anna"), w.register("bert"), w.register("cora"), w.register("dora")
	live := anna.goLive("x")
	first := anna.Asks(domain.PostComment{Live: live, Text: "first"}).Position
	enter := func(p person) (*app, entered) {
		t.Helper()
		a := p.app()
		return a, a.join(live)
	}
	settle := func(position int64) {
		t.Helper()
		if err := w.Hub.WaitFor(t.Context(), position); err != nil {
			t.Fatal(err)
		}
	}
	settle(first)
	enter(anna)
	_, ofBert := enter(bert) // from here on the live is large: joins wait in the batch
	settle(w.head())
	newer, ofNewer := enter(cora)
	settle(w.head())
	again, ofAgain := enter(cora)
	if ofAgain.Snapshot.Pos != ofNewer.Snapshot.Pos || ofNewer.Snapshot.Pos < ofBert.Snapshot.Pos {
		t.Errorf("snapshots at %d, %d, %d, want the last two to be the same", ofBert.Snapshot.Pos, ofNewer.Snapshot.Pos, ofAgain.Snapshot.Pos)
	}
	settle(anna.Asks(domain.PostComment{Live: live, Text: "second"}).Position)
	for _, a := range []*app{newer, again} {
		have := ofNewer.Snapshot.Pos
		for text := ""; text != "second"; {
			m := a.read()
			if m.Live == 0 || m.Pos == 0 {
				continue // gauges
			}
			if m.Prev > have || m.Pos <= have {
				t.Fatalf("after position %d got %s", have, m.raw)
			}
			if have = m.Pos; m.Type == "comment" {
				text = into[struct{ Text string }](t, m).Text
			}
		}
	}
	if _, e := enter(dora); len(e.Snapshot.Comments) != 2 || e.Snapshot.Comments[0].Text != "second" {
		t.Errorf("after a fact the snapshot has the comments %+v", e.Snapshot.Comments)
	}
	settle(w.head())
	settle(w.Do(domain.ForgetUser{User: anna.ID}).Position)
	if _, e := enter(cora); len(e.Snapshot.Comments) != 2 || e.Snapshot.Comments[0].Text != "erased" || e.Snapshot.Comments[1].User.Name != "erased" {
		t.Errorf("after a user was forgotten the snapshot has the comments %+v", e.Snapshot.Comments)
	}
}
