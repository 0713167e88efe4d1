package eventstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

func TestRefusalAffectsOnlyItsRequest(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(3, 10) // each user has coins for one gift
	got := l.executeTogether(
		p.users[0].request(p.give(1)),
		p.users[0].request(p.give(1)), // this user has no coins left
		p.users[1].request(p.say(strings.Repeat("x", 500))),
		p.users[1].request(p.give(1)),
		domain.Request{Command: p.give(1), Actor: domain.AuthenticatedActor(p.users[2].id, "another session")},
		p.users[2].request(p.give(1)),
	)
	want := []domain.Code{"", domain.CodeCoinsTooFew, domain.CodeCommentTooLong, "", domain.CodeSessionEnded, ""}
	for i, a := range got {
		var code domain.Code
		if no := domain.AsRefusal(a.err); no != nil {
			code = no.Code
		} else if a.err != nil {
			t.Fatal(a.err)
		}
		if code != want[i] {
			t.Errorf("request %d: %q, want %q", i, code, want[i])
		}
	}
	if refused := l.sequencer.Stats().Refused; refused != 3 {
		t.Errorf("counted %d refusals, want 3", refused)
	}
	l.verified()
}

func TestRejectedContentAffectsOnlyItsRequest(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(4, 10)
	if _, err := l.db.Owner.Exec(t.Context(), "ALTER TABLE events ADD CHECK (payload::text NOT LIKE '%poison%')"); err != nil {
		t.Fatal(err)
	}
	before := len(l.all())
	got := l.executeTogether(
		p.users[0].request(p.give(1)),
		domain.Request{Command: domain.SignIn{User: p.users[1].id, Session: "poison"}},
		p.users[2].request(p.say("hello")),
		p.users[3].request(p.give(1)),
	)
	for i, a := range got {
		if (a.err != nil) != (i == 1) {
			t.Errorf("request %d: %v", i, a.err)
		}
	}
	if err := got[1].err; errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrOutcomeUnknown) || domain.AsRefusal(err) != nil {
		t.Errorf("got the error %v", err)
	}
	if after := l.verified(); len(after) != before+4 { // the events include the one of the decoy
		t.Fatalf("%d events followed, want 4", len(after)-before)
	}
	l.execute(p.users[1].request(p.give(1))) // the sign-in session that was not replaced is still valid
}

// TestPanickingDecisionAffectsOnlyItsRequest uses a gift with price 0, a broken state: the decision divides by zero.
func TestPanickingDecisionAffectsOnlyItsRequest(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(2, 100)
	broken := l.list(10)
	stream, state := domain.Stream(fmt.Sprintf("gift-%d", broken)), `{"name":"rose","image":"","price":0,"available":true}`
	var event uuid.UUID
	if err := db.Owner.QueryRow(t.Context(), "SELECT event_id FROM events WHERE stream = $1", stream).Scan(&event); err != nil {
		t.Fatal(err)
	}
	sum := eventstore.SnapshotChecksum(snapshotKeys[0], stream, 1, 1, []byte(state), event)
	if _, err := db.Owner.Exec(t.Context(), "INSERT INTO snapshot VALUES ($1, 1, 1, $2, $3)", stream, state, sum); err != nil {
		t.Fatal(err)
	}
	other := openLog(t, db, eventstore.SequencerConfig{}) // a process without states in memory
	got := other.executeTogether(
		p.users[0].request(p.give(1)),
		p.users[0].keyedRequest("k1", domain.SendGift{Live: p.live, Gift: broken, Num: 1}),
		p.users[1].request(p.give(1)),
	)
	if got[0].err != nil || got[2].err != nil {
		t.Fatalf("the others: %v, %v", got[0].err, got[2].err)
	}
	if err := got[1].err; err == nil || !strings.Contains(err.Error(), "panicked") || domain.AsRefusal(err) != nil {
		t.Fatalf("got %v", err)
	}
	l.verified()
}

func TestBrokenStateAffectsOnlyRequestsThatReadIt(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(2, 100)
	strange := l.list(10)
	other := openLog(t, db, eventstore.SequencerConfig{})
	other.execute(p.users[0].request(domain.SendGift{Live: p.live, Gift: strange, Num: 1})) // this process has the state in memory
	head := int64(len(l.all()))
	_, err := db.Owner.Exec(t.Context(), `
		INSERT INTO events SELECT $1 + 1, $2, 2, gen_random_uuid(), 'gift.gilded.v1', '{}', '{"actor":"operator"}', NULL, recorded_at
		FROM events WHERE position = $1`, head, fmt.Sprintf("gift-%d", strange))
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*testLog{"a process that begins": openLog(t, db, eventstore.SequencerConfig{}), "one that catches up": other} {
		got := l.executeTogether(
			p.users[0].request(p.give(1)),
			p.users[0].request(domain.SendGift{Live: p.live, Gift: strange, Num: 1}),
			p.users[1].request(p.give(1)),
		)
		if got[0].err != nil || got[2].err != nil {
			t.Fatalf("%s: the others: %v, %v", name, got[0].err, got[2].err)
		}
		if no := domain.AsRefusal(got[1].err); no == nil || no.Code != domain.CodeCoinsClosed {
			t.Fatalf("%s: got %v", name, got[1].err)
		}
	}
}
