package broadcasts_test

import (
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/media/broadcasts"
	"roomlog/media/record"
	"roomlog/projections"
)

// TestBroadcastsContinueInAnotherHistory restores a dump with three broadcasts: one whose beginning is lost, one whose
// live is lost, and one whose end is lost.
func TestBroadcastsContinueInAnotherHistory(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	p := open(t, &pgtest.DB{DSN: d.DSN(), Serving: true}, "p1", nil)
	running, ending := p.live(), p.live()
	ended := p.publish(ending)
	dump := d.Dump()
	p.publish(running)
	before := p.broadcast(running).ID
	lost := p.live()
	cut := p.publish(lost)
	ended.Close()
	p.eventually("the tables have the end", func() bool { return p.broadcast(ending).ID == "" })

	d.RestoreDump(dump)

	recorded := func(l live, id domain.BroadcastID) func() bool {
		return func() bool { // the first connections are broken
			found, err := p.queries.Live(t.Context(), l.id)
			return err == nil && found.Broadcast.ID == id
		}
	}
	p.eventually("the broadcast is recorded again", recorded(running, before))
	p.eventually("the lost end is recorded again", recorded(ending, ""))
	select {
	case <-cut.ended:
	case <-time.After(timeout):
		t.Error("the stream of the lost live goes on")
	}
}

// TestRecordingOfALostLiveIsNotGivenToAnotherLive ends a recording after the log has lost its live and has given the id to another
// live.
func TestRecordingOfALostLiveIsNotGivenToAnotherLive(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	p := open(t, &pgtest.DB{DSN: d.DSN(), Serving: true}, "p1", nil)
	p.live()
	dump := d.Dump()
	lost := p.live()

	d.RestoreDump(dump)

	p.eventually("the log has another history", func() bool { // the first connections are broken
		history, err := p.store.CheckHistory(t.Context())
		return err == nil && history.Number == 2
	})
	other := p.live()
	if other.id != lost.id || other.key == lost.key {
		t.Fatalf("the new live is %+v, want the id of %+v", other, lost)
	}
	r, err := broadcasts.NewRecordings(broadcasts.RecordingsConfig{Commands: p.sequencer, Queries: p.queries, Signer: p.signer, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	finish := func(id string, of live) error {
		t.Helper()
		now := time.Now()
		err := r.RecordingFinished(t.Context(), record.Recording{Folder: strconv.FormatInt(int64(of.id), 10), ID: id, Stream: of.key, Reason: "lost", StartedAt: now, EndedAt: now})
		if err != nil {
			t.Fatal(err)
		}
		head, err := p.store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.feed.WaitFor(t.Context(), head); err != nil {
			t.Fatal(err)
		}
		_, err = p.queries.Recording(t.Context(), domain.RecordingID(id))
		return err
	}
	if err := finish("own", other); err != nil {
		t.Errorf("a recording of the new live: %v", err)
	}
	if err := finish("lost", lost); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("a recording of the lost live: %v, want it not found", err)
	}
	lostRecording := record.Recording{Folder: strconv.FormatInt(int64(lost.id), 10), ID: "lost", Stream: lost.key}
	if err := r.DiscardRecording(t.Context(), lostRecording, record.ReasonQuota); err != nil {
		t.Errorf("its files cannot be deleted: %v", err)
	}
}

// TestSignOfALostAccountIsNotOfAnotherAccount restores a dump without a user. The id is given to another user before the node reads
// the tables again.
func TestSignOfALostAccountIsNotOfAnotherAccount(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	db := &pgtest.DB{DSN: d.DSN(), Serving: true}
	var c tables
	p := open(t, db, "p1", func(cfg *broadcasts.Config) { c.attach(t, db, cfg) })
	l, kept := p.live(), p.live().owner.User
	p.publish(l)
	keptSign := p.playSign(l, kept)
	dump := d.Dump()
	lost := p.live().owner.User
	lostSign := p.playSign(l, lost)
	p.playerWith(l, keptSign)
	p.playerWith(l, lostSign)
	users := func() (all []int64) {
		for _, s := range p.server.Players(l.key) {
			all = append(all, s.Client.User)
		}
		slices.Sort(all)
		return all
	}
	p.eventually("both play", func() bool { return slices.Equal(users(), []int64{int64(kept), int64(lost)}) })
	c.off.Store(true)

	d.RestoreDump(dump)

	p.eventually("the log has another history", func() bool { // the first connections are broken
		history, err := p.store.CheckHistory(t.Context())
		return err == nil && history.Number == 2
	})
	if other := p.live().owner.User; other != lost {
		t.Fatalf("the new user is %d, want the id of %d", other, lost)
	}
	otherSign := p.playSign(l, lost)
	c.off.Store(false)
	p.eventually("the player of the lost account is disconnected", func() bool { return slices.Equal(users(), []int64{int64(kept)}) })
	p.eventually("the other account may play", func() bool { return p.play(l, otherSign) == nil })
	if err := p.play(l, keptSign); err != nil {
		t.Errorf("a sign of an account that was kept: %v", err)
	}
	if err := p.play(l, lostSign); !errors.Is(err, broadcasts.ErrViewerRefused) {
		t.Errorf("a sign of the lost account: %v, want %v", err, broadcasts.ErrViewerRefused)
	}
}
