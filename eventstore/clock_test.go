package eventstore_test

import (
	"sync/atomic"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

func TestClockOfAProcessDoesNotReachTheLog(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	const skew = 20 * 24 * time.Hour
	heard := &messages{}
	c := loggedTo(heard)
	c.Now = func() time.Time { return time.Now().Add(skew) }
	ahead, right := openLogAs(t, db, c, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})
	p := ahead.fixture(1, 0)
	ban := ahead.do(domain.BanUser{User: p.users[0].id, Seconds: 1}).Events[0]
	if until := ban.Event.(domain.UserBanned).Until; until != ban.RecordedAt.Unix()+1 {
		t.Errorf("the ban of %s lasts until %d, want one second", ban.RecordedAt, until)
	}
	eventually(t, "the ban has ended", func() bool {
		_, err := right.sequencer.Execute(t.Context(), p.users[0].request(p.say("free again")))
		return err == nil
	})
	var future int
	if err := db.Owner.QueryRow(t.Context(), "SELECT count(*) FROM events WHERE recorded_at > clock_timestamp()").Scan(&future); err != nil || future > 0 {
		t.Errorf("%d events are in the future, %v", future, err)
	}
	if off := ahead.store.ClockSkew() - skew; off.Abs() > 5*time.Minute {
		t.Errorf("the skew is %s, want %s", ahead.store.ClockSkew(), skew)
	}
	if now := ahead.store.Now(); time.Until(now).Abs() > 5*time.Minute {
		t.Errorf("the time of the database is %s", now)
	}
	if found := heard.with("clock of this process differs"); len(found) != 1 {
		t.Errorf("logged %q, want one message", found)
	}
	ahead.verified()
}

// TestEventOfTheFutureDelaysNothing checks that an event with a recorded_at in the future, written by an older program
// or with another clock, delays no command.
func TestEventOfTheFutureDelaysNothing(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(1, 0)
	l.exec("ALTER TABLE events DISABLE TRIGGER ALL; UPDATE events SET recorded_at = recorded_at + interval '20 days' WHERE position = (SELECT max(position) FROM events)")
	l.execute(domain.Request{Command: domain.BanUser{User: p.users[0].id, Seconds: 1}, Actor: operator})
	eventually(t, "the ban has ended", func() bool {
		_, err := l.sequencer.Execute(t.Context(), p.users[0].request(p.say("free again")))
		return err == nil
	})
	events := l.verified()
	if newest := events[len(events)-1]; newest.RecordedAt.After(time.Now().Add(time.Hour)) {
		t.Errorf("the newest event was recorded at %s", newest.RecordedAt)
	}
}

func TestRecordedAtFollowsTheClockOfTheDatabase(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	noon := time.Date(2026, 11, 20, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	var ahead atomic.Int64
	clock := func() time.Time { return noon.Add(time.Duration(ahead.Load())) }
	l := openLogAs(t, db, eventstore.Config{Now: time.Now, Clock: clock}, eventstore.SequencerConfig{})
	start := noon.UTC().Truncate(time.Microsecond)
	for i, step := range []struct {
		ahead, recorded time.Duration
		setBack         bool
	}{
		{0, 0, false},
		{20 * 24 * time.Hour, 20 * 24 * time.Hour, false}, // the clock was wrong before
		{time.Minute, time.Minute, true},
		{time.Minute - time.Second, time.Minute, false}, // a small correction
		{time.Minute - 5*time.Second, time.Minute, false},
		{time.Minute - 6*time.Second, time.Minute - 6*time.Second, true},
		{2 * time.Minute, 2 * time.Minute, false},
	} {
		ahead.Store(int64(step.ahead))
		position := l.do(domain.AddGift{Name: "rose", Price: 1}).Position
		page, err := l.store.Read(t.Context(), eventstore.Query{After: position - 1})
		if err != nil {
			t.Fatal(err)
		}
		r := page.Events[0]
		if !r.RecordedAt.Equal(start.Add(step.recorded)) || r.RecordedAt.Location() != time.UTC || r.Metadata.ClockSetBack != step.setBack {
			t.Errorf("event %d was recorded at %s, set back %t, want %s, %t", i, r.RecordedAt, r.Metadata.ClockSetBack, start.Add(step.recorded), step.setBack)
		}
	}
	l.verified()
}
