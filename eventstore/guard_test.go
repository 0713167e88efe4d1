package eventstore_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

func TestServingRoleCannotChangeTheLog(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(1, 100)
	l.execute(p.users[0].keyedRequest("a gift", p.give(1)))
	l.execute(p.users[0].keyedRequest("a comment", p.say("hello")))
	before := toJSON(t, l.all())
	const (
		raises  = "is not possible"
		noRight = "permission denied"
		allowed = ""
		untried = "-"
	)
	for statement, want := range map[string]struct{ owner, serving string }{
		"UPDATE events SET version = version":                 {raises, noRight},
		"UPDATE events SET payload = '{}' WHERE position = 1": {raises, noRight},
		"DELETE FROM events":                                  {raises, noRight},
		"DELETE FROM events WHERE position < 0":               {raises, noRight},
		"TRUNCATE events":                                     {raises, noRight},
		"TRUNCATE events, command, store":                     {raises, noRight},
		"UPDATE store SET id = gen_random_uuid()":             {raises, noRight},
		"DELETE FROM store":                                   {raises, noRight},
		"TRUNCATE store":                                      {raises, noRight},
		"INSERT INTO store (format) VALUES (1)":               {"store_pkey", noRight},
		"INSERT INTO store (one) VALUES (false)":              {"store_one_check", noRight},
		"DELETE FROM command WHERE key = 'a gift'":            {raises, raises},
		"UPDATE command SET events = 0 WHERE key = 'a gift'":  {raises, noRight},
		"TRUNCATE command":                                    {raises, noRight},
		"DROP TABLE events":                                   {untried, "must be owner"},
		"ALTER TABLE events DISABLE TRIGGER ALL":              {untried, "must be owner"},
		"UPDATE user_key SET key = key":                       {untried, noRight},
		"UPDATE snapshot SET version = 0":                     {untried, noRight},
		// These rows may be deleted.
		"DELETE FROM command WHERE key = 'a comment'": {allowed, allowed},
		"DELETE FROM snapshot":                        {allowed, allowed},
	} {
		attempt(t, "the owner", db.Owner, statement, want.owner)
		if db.Serving {
			attempt(t, "a serving process", l.store.Pool(), statement, want.serving)
		}
	}
	if after := toJSON(t, l.all()); after != before {
		t.Fatal("the log has changed")
	}
	l.again(l.execute(p.users[0].keyedRequest("a gift", p.give(1))), p.users[0].keyedRequest("a gift", p.give(1)))
}

// attempt executes a statement and rolls it back. It checks that the error of the statement contains want.
func attempt(t *testing.T, who string, pool *pgxpool.Pool, statement, want string) {
	t.Helper()
	if want == "-" {
		return
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	switch _, err = tx.Exec(t.Context(), statement); {
	case want == "" && err != nil:
		t.Errorf("%s: %s: %v", who, statement, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %s: got %v, want %q", who, statement, err, want)
	}
}

// TestConstraintsRejectInvalidRows checks that the constraints of the tables reject rows that only a faulty program
// would write.
func TestConstraintsRejectInvalidRows(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.do(domain.AddGift{Name: "rose", Price: 1})
	for name, statement := range map[string]string{
		"a position twice":       "INSERT INTO events SELECT position, 's-1', 1, event_id, type, payload, metadata, live_id, recorded_at FROM events",
		"a version twice":        "INSERT INTO events SELECT 2, stream, version, event_id, type, payload, metadata, live_id, recorded_at FROM events",
		"position 0":             "INSERT INTO events SELECT 0, 's-1', 1, event_id, type, payload, metadata, live_id, recorded_at FROM events",
		"version 0":              "INSERT INTO events SELECT 2, 's-1', 0, event_id, type, payload, metadata, live_id, recorded_at FROM events",
		"a payload without JSON": "INSERT INTO events SELECT 2, 's-1', 1, event_id, type, 'x', metadata, live_id, recorded_at FROM events",
		"a short key":            "INSERT INTO user_key VALUES (1, 'x')",
		"an empty command key":   "INSERT INTO command VALUES ('a', '', '', false, 1, 1, NULL, NULL, now())",
	} {
		if _, err := l.store.Pool().Exec(t.Context(), statement); err == nil {
			t.Errorf("taken: %s", name)
		}
	}
	l.verified()
}

// TestHoleInAStreamPreventsDecisions deletes an event of a wallet as the owner of the database.
func TestHoleInAStreamPreventsDecisions(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(2, 100)
	for range 3 {
		l.execute(p.users[0].request(p.give(1)))
	}
	_, err := db.Owner.Exec(t.Context(), `ALTER TABLE events DISABLE TRIGGER ALL; DELETE FROM events WHERE type = 'gift.sent.v2' AND version = 3`)
	if err != nil {
		t.Fatal(err)
	}
	other := openLog(t, db, eventstore.SequencerConfig{})
	_, err = other.sequencer.Execute(t.Context(), p.users[0].request(p.give(1)))
	if no := domain.AsRefusal(err); no == nil || no.Code != domain.CodeCoinsClosed {
		t.Fatalf("got %v", err)
	}
	other.execute(p.users[1].request(p.give(1)))
}
