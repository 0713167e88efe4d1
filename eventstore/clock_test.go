package eventstore_test

import (
	"errors"
	"fmt"
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

// TestModesDoNotDependOnTheClockOfAProcess sets and applies modes in processes whose clocks are days off. A mode that one process has set
// must refuse and permit in every other process what it does where the clock is right.
func TestModesDoNotDependOnTheClockOfAProcess(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var logs []*testLog
	for _, days := range []int{0, 20, -20} {
		c := loggedTo(&messages{})
		c.Now = func() time.Time { return time.Now().AddDate(0, 0, days) }
		logs = append(logs, openLogAs(t, db, c, eventstore.SequencerConfig{}))
	}
	streamer, viewer := logs[0].register("streamer"), logs[0].register("viewer")
	p := fixture{live: logs[0].onAir(streamer)}
	set := func(l *testLog, mode domain.ModeName, value, seconds int64) {
		t.Helper()
		l.execute(domain.Request{Command: domain.SetMode{Live: p.live, Mode: mode, Value: value, Seconds: seconds}, Actor: operator})
	}
	comment := func(l *testLog) domain.Code {
		t.Helper()
		_, err := l.sequencer.Execute(t.Context(), viewer.request(p.say("hello")))
		var refusal *domain.Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		if refusal == nil {
			return ""
		}
		return refusal.Code
	}
	expect := func(what string, want domain.Code) {
		t.Helper()
		for i, l := range logs {
			if got := comment(l); got != want {
				t.Errorf("%s: process %d: got %q, want %q", what, i, got, want)
			}
		}
	}
	for i, l := range logs {
		for _, one := range []struct {
			mode    domain.ModeName
			value   int64
			refused domain.Code
		}{
			{domain.ModeMembers, 24 * 60, domain.CodeMembersOnly}, // one day, of which a clock that is 20 days ahead knows 20
			{domain.ModeFollowers, 24 * 60, domain.CodeFollowersOnly},
			{domain.ModeMuteAll, 1, domain.CodeCommentsOff},
		} {
			if one.mode == domain.ModeFollowers {
				l.execute(viewer.request(domain.FollowUser{Streamer: streamer.id}))
			}
			set(l, one.mode, one.value, 3600)
			expect(fmt.Sprintf("%s, set by process %d", one.mode, i), one.refused)
			if one.mode == domain.ModeFollowers {
				l.execute(viewer.request(domain.UnfollowUser{Streamer: streamer.id}))
			}
			set(l, one.mode, 0, 0)
		}
		set(l, domain.ModeMuteAll, 1, 1) // ends by itself, in all processes
		for _, other := range logs {
			eventually(t, "the mode ends", func() bool { return comment(other) == "" })
		}
		set(l, domain.ModeSlow, 3600, 0)
		if got := comment(l); got != "" && i == 0 {
			t.Errorf("the first comment in slow mode: %q", got)
		}
		expect(fmt.Sprintf("slow, after a comment in process %d", i), domain.CodeSlowMode)
		set(l, domain.ModeSlow, 1, 0)
		other := logs[(i+1)%len(logs)]
		eventually(t, "the second of slow mode ends", func() bool { return comment(other) == "" })
		set(l, domain.ModeSlow, 0, 0)
	}
	logs[0].verified()
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
