package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest"
)

// forge appends an event, as a superuser who has disabled the triggers could, and returns its position.
func forge(t *testing.T, dsn, stream, eventType, payload string) (position int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SET LOCAL session_replication_role = replica; SELECT pg_advisory_xact_lock(x'6c6f67'::bigint)"); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), `INSERT INTO events SELECT max(position) + 1, $1, coalesce(max(version) FILTER (WHERE stream = $1), 0) + 1,
			gen_random_uuid(), $2, $3, '{"actor":"superuser"}', NULL, max(recorded_at) FROM events RETURNING position`, stream, eventType, payload).Scan(&position)
	})
	if err != nil {
		t.Fatal(err)
	}
	return position
}

// closingRecorded reports whether the log contains the closing for the event at position.
func closingRecorded(t *testing.T, dsn string, position int64) (yes bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM read.coin_closing WHERE position = $1)", position).Scan(&yes); err != nil {
		t.Fatal(err)
	}
	return yes
}

// TestCoinsAreClosedAndNothingElse adds bad coin events to the log while two servers run. The coins of the users whom
// the events concern must be closed, everything else must continue, and an operator opens the coins again.
func TestCoinsAreClosedAndNothingElse(t *testing.T) {
	t.Parallel()
	need(t, "node", "node")
	dsn := pgtest.New(t).DSN
	env := append([]string{"DATABASE_URL=" + dsn}, sharedSecrets...)
	first := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	second := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	first.roomlog("gift", "add", "--name", "Rose", "--coin", "1")
	anna, bert, cleo := join(t, first, "anna"), join(t, first, "bert"), join(t, second, "cleo")
	live := anna.open("Anna's room")
	bert.topUp(2, 1)
	cleo.topUp(2, 1)
	b, c := bert.connect(""), cleo.connect("")
	enter(t, b, live, "")
	enter(t, c, live, "")
	gift := map[string]any{"live": live, "gift": 1, "num": 1}
	b.must("gift.send", gift, "b1")
	c.must("gift.send", gift, "c1")

	// Forges a credit of one user with a wrong balance.
	at := forge(t, dsn, fmt.Sprintf("wallet-%d", bert.id), "coins.credited.v1", fmt.Sprintf(`{"user":%d,"order":"forged","coins":5,"balance_after":99999,
		"postings":[{"account":"provider","amount":-5},{"account":"user-%d","amount":5}]}`, bert.id, bert.id))
	degraded := func(p *person, whom string) {
		t.Helper()
		eventually(t, "the log says whose coins are closed", func() bool { return closingRecorded(t, dsn, at) })
		eventually(t, "the server says whose coins are closed", func() bool {
			status, raw := p.do(http.MethodGet, "/readyz", nil, nil)
			return status == http.StatusOK && strings.Contains(string(raw), `"status":"degraded"`) && strings.Contains(string(raw), fmt.Sprintf("closed for %s since position %d", whom, at))
		})
	}
	degraded(bert, "1 user")
	degraded(cleo, "1 user")
	refused := func(s *socket, key string) {
		t.Helper()
		if f, err := s.ask("gift.send", gift, key); err != nil || f.Type != "error" || !strings.Contains(string(f.Data), `"coins_closed"`) {
			t.Errorf("a gift is answered %s %s, %v", f.Type, f.Data, err)
		}
	}
	refused(b, "b2")
	old := play(t, first, "4", "websocket")
	old.emit("gift", map[string]any{"live_id": fmt.Sprint(live), "gift_id": 1, "token": "Bearer " + bert.token})
	if no := hear[shownNotice](old, old.id, nil); no.Data.Payload != "金币功能维护中，请稍后再试" || no.Data.Action != "error" {
		t.Errorf("a gift over Socket.IO is refused with %+v", no)
	}
	status, raw := bert.do(http.MethodPost, "/api/gift/wxpay", nil, []byte(`{"price":1}`))
	if status != http.StatusServiceUnavailable || !strings.Contains(string(raw), "金币功能维护中，请稍后再试") {
		t.Errorf("an order is answered %d %s", status, raw)
	}
	c.must("gift.send", gift, "c2")
	b.must("comment.post", map[string]any{"live": live, "text": "hello"}, "")
	bert.signIn()
	if out, code := first.try("verify"); code != 3 || !strings.Contains(out, fmt.Sprintf("position %d", at)) || !strings.Contains(out, "1 event could not be applied, decide about each one: roomlog events list") {
		t.Errorf("verify: %d %s", code, out)
	}
	if out := first.roomlog("events", "inspect", fmt.Sprint(at)); !strings.Contains(out, "coin_movement_adds_up") || !strings.Contains(out, "superuser") {
		t.Error(out)
	}
	first.roomlog("rebuild")
	first.kill()
	first.again()
	degraded(bert, "1 user")
	first.roomlog("events", "set-aside", fmt.Sprint(at), "--reason", "entered by hand")
	again := bert.connect("")
	enter(t, again, live, "")
	again.must("gift.send", gift, "b2") // the refusal is not stored as the result of the key

	// Forges an event that cannot be decoded, in a stream that belongs to no user. It closes the coins of everybody.
	at = forge(t, dsn, "ledger-1", "gift.sent.v2", `{"sender":"?"}`)
	degraded(cleo, "all users")
	refused(again, "b3")
	refused(c, "c3")
	c.must("comment.post", map[string]any{"live": live, "text": "still here"}, "")
	dora := join(t, first, "dora")
	enter(t, dora.connect(""), live, "")
	second.kill()
	second.again()
	if out := first.roomlog("events", "set-aside", fmt.Sprint(at), "--reason", "entered by hand"); !strings.Contains(out, "all coins are open") {
		t.Error(out)
	}
	if out, code := first.try("events", "set-aside", "1", "--reason", "a try"); code != 1 || !strings.Contains(out, "cannot be set aside") {
		t.Errorf("%d %s", code, out)
	}
	c = cleo.connect("")
	enter(t, c, live, "")
	c.must("gift.send", gift, "c3")
	if out := first.roomlog("verify"); !strings.Contains(out, "2 events are set aside") || !strings.Contains(out, "ok: ") {
		t.Error(out)
	}
	first.roomlog("rebuild")
	if bert.coins() != 18 || cleo.coins() != 17 {
		t.Errorf("%d and %d coins are left", bert.coins(), cleo.coins())
	}

	// Edits a table, so that a good gift cannot be applied. It must not be set aside.
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "UPDATE read.coin SET balance = 0 WHERE account = $1", fmt.Sprintf("user-%d", cleo.id)); err != nil {
		t.Fatal(err)
	}
	f := c.must("gift.send", gift, "c4")
	var sent struct{ Pos int64 }
	if err := json.Unmarshal(f.Data, &sent); err != nil {
		t.Fatal(err)
	}
	if out, code := first.try("events", "set-aside", fmt.Sprint(sent.Pos), "--reason", "a mistake"); code != 1 || !strings.Contains(out, "roomlog rebuild --force") {
		t.Errorf("a good event is set aside: %d %s", code, out)
	}
	first.roomlog("rebuild", "--force")
	if cleo.coins() != 16 {
		t.Errorf("%d coins are left after the rebuild, want 16", cleo.coins())
	}
}
