package eventstore_test

import (
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
