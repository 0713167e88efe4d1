package rebuild_test

import (
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
	"roomlog/projections/projtest"
	"roomlog/projections/rebuild"
)

// tamperExempt lists the columns in which a verification cannot find edits, with the reason. A new column is checked
// unless it is added here.
var tamperExempt = map[string]string{
	"public.command.hash":                 "the command itself is not in the log; the form is checked",
	"public.command.refusal":              "a refused command has no event; that it has no events is checked",
	"public.command.refusal_text":         "a refused command has no event; that it has no events is checked",
	"public.tlog_checkpoint.signed_at":    "it only says which checkpoint is the last one of its hour",
	"public.tlog_cosignature.received_at": "it only says which checkpoint is the last one of its hour",
	"public.snapshot.checksum":            "the key is not in the database; servers ignore the row",
	"public.goose_db_version.id":          "it only orders the rows; another order is found",
	"public.goose_db_version.tstamp":      "nothing depends on the time of a migration, and the database has it nowhere else",
	"read.poison.cause":                   "a text for people, which differs between versions of PostgreSQL",
}

// tamperRows restricts which rows of a table are edited, with the reason.
var tamperRows = map[string]string{
	"public.command": "events > 0", // the log does not show the outcome of a command without events
}

// tamperValues restricts the values to which a column is changed (%s stands for the value), with the reason.
var tamperValues = map[string]string{
	"public.snapshot.format": "format = 1 OR %s > format", // readers ignore a row of an older format, as if it was deleted
}

// tamperTables lists the tables in which no edit needs to be found, with the reason.
var tamperTables = map[string]string{
	"public.survey_reply":       "replies of nodes to each other, each of which is read once and deleted within minutes",
	"public.webhook_cursor":     "what receivers have accepted is not in the log; after an edit events are sent again or not at all",
	"public.webhook_blocked":    "the same",
	"public.webhook_dead":       "the same",
	"public.gift_delivery":      "what connections have received is not in the log; the numbers are evidence only as long as nobody edits the database",
	"public.live_delivery":      "the same",
	"public.secret_fingerprint": "verify has no secret to compare with; after an edit no server starts",
}

// column is a column of a table, with its type.
type column struct{ table, name, kind string }

// edits contains, for each type of column, the statements that edit a value. Constraints refuse some of them.
var edits = map[string][]string{
	"bigint":                   {"%[1]s + 1", "%[1]s - 1", "coalesce(%[1]s, 0) + 1000"},
	"integer":                  {"%[1]s + 1", "%[1]s - 1", "%[1]s + 1000"},
	"boolean":                  {"NOT %[1]s"},
	"text":                     {"%[1]s || 'x'", "left(%[1]s, -1) || 'f'", "coalesce(%[1]s, '') || 'x'", "NULL"},
	"timestamp with time zone": {"%[1]s + interval '3 days'", "%[1]s - interval '3 days'", "coalesce(%[1]s, '2026-01-01') + interval '3 days'"},
	"uuid":                     {"gen_random_uuid()"},
	"bytea":                    {"set_byte(%[1]s, 0, 255 - get_byte(%[1]s, 0))"},
	"json":                     {"'{}'", `'{"actor":"forger"}'`, `'{"balance":999999}'`},
	"jsonb":                    {"%[1]s || '[1]'", "'{}'"},
	"ARRAY":                    {"array_append(%[1]s, 'operator')", "'{}'"},
}

// TestTamper edits values in every column of every table, as a superuser can. After each edit, a verification must
// report the table of the edit or the position of the event.
func TestTamper(t *testing.T) {
	t.Parallel()
	w := newTamperWorld(t)
	columns := w.columns()
	tested := map[string]bool{}
	for len(columns) > 0 { // edits one column of a table of the log at a time, or one column of each read table
		round, rest := columns[:1], columns[1:]
		if strings.HasPrefix(round[0].table, "read.") {
			round, rest = nil, nil
			taken := map[string]bool{}
			for _, c := range columns {
				if taken[c.table] {
					rest = append(rest, c)
					continue
				}
				taken[c.table] = true
				round = append(round, c)
			}
		}
		var edited []column
		for _, c := range round {
			if w.edit(c) {
				edited = append(edited, c)
				tested[c.table] = true
			}
		}
		w.mustName(edited)
		w.restore(edited)
		columns = rest
	}
	for _, table := range w.tables() {
		if !tested[table] && !slices.Contains([]string{"read.poison", "read.coin_hold", "read.coin_held", "read.coin_closing", "public.tlog_fork"}, table) {
			t.Errorf("no value of table %s could be edited: give it a row in the world of this test", table)
		}
	}
	w.clean()
}

// TestTamperRows deletes and adds rows in every table.
func TestTamperRows(t *testing.T) {
	t.Parallel()
	w := newTamperWorld(t)
	for _, tt := range []struct{ tamper, fault string }{
		{"DELETE FROM public.events WHERE position = 20", "position 20: the log has a gap"},
		{"DELETE FROM public.events WHERE position BETWEEN 20 AND 24", "position 20: the log has a gap: positions 20 to 24 are missing"},
		{"DELETE FROM public.command WHERE coins AND events > 0", "table command: row actor user-2, key gift-1 is missing"},
		{"DELETE FROM public.command WHERE key = 'comment-2'", "table command: row actor user-2, key comment-2 is missing"},
		{"UPDATE public.command SET events = 0 WHERE key = 'comment-2'", "table command: row actor user-2, key comment-2: the command has an event at position"},
		{"DELETE FROM public.user_key WHERE user_id = 2", "table user_key: row user_id 2 is missing"},
		{"INSERT INTO public.user_key SELECT 3, key FROM public.user_key WHERE user_id = 2", "table user_key: row user_id 3: the key of a forgotten user"},
		{"INSERT INTO public.user_key SELECT 999, key FROM public.user_key WHERE user_id = 2", "table user_key: row user_id 999: the log has no texts"},
		{"UPDATE public.user_key SET key = (SELECT key FROM public.user_key WHERE user_id = 1) WHERE user_id = 2", "table user_key: the key of the owner does not open"},
		{"DELETE FROM public.credential WHERE hash = 'hash of ann'", "table credential: row id"},
		{"UPDATE public.credential SET hash = (SELECT max(hash) FROM public.credential) WHERE hash = 'hash of ann'", "table credential: row id"},
		{"UPDATE public.credential SET hash = 'x' WHERE id::text IN (SELECT payload ->> 'credential' FROM public.events WHERE type = 'live.access_set.v2')", "the password hash of live"},
		{"INSERT INTO public.credential VALUES (gen_random_uuid(), 'x', '2025-01-01')", "table credential: row id"},
		{"DELETE FROM public.checkpoint", "table "},
		{"UPDATE public.checkpoint SET position = 100000", "table checkpoint: row consumer_group projections: position 100000 is not in the log"},
		{"INSERT INTO public.checkpoint VALUES ('other')", "table checkpoint: row consumer_group other"},
		{"UPDATE public.checkpoint SET generation = generation + 1", "table checkpoint: row consumer_group projections: generation is 2, but the comment on schema read is"},
		{"DELETE FROM public.tlog_checkpoint", "table tlog_tree: signed is "},
		{"INSERT INTO public.tlog_fork (number, size, note, keys) SELECT number, size, 'x', 'x' FROM public.tlog_tree", "table tlog_fork: row number 1"},
		{"DELETE FROM public.goose_db_version WHERE version_id = 5", "table goose_db_version: migration 5 is missing"},
		{"INSERT INTO public.goose_db_version (version_id, is_applied) VALUES (5, true)", "table goose_db_version: migration 5 is recorded twice"},
		{"INSERT INTO public.goose_db_version (version_id, is_applied) VALUES (9999, true)", "table goose_db_version: migration 9999 is unknown"},
		{"UPDATE public.goose_db_version SET is_applied = false WHERE version_id = 7", "table goose_db_version: migration 7 is recorded as not applied"},
		{"UPDATE public.goose_db_version SET version_id = 14 - version_id WHERE version_id IN (6, 8)", "table goose_db_version: migration 6 is recorded after migration 8"},
		{"UPDATE public.store SET id = gen_random_uuid()", "table store: the row has changed"},
		{"UPDATE public.store SET name_key = '\\x00'", "table store: "},
		{"UPDATE public.events SET event_id = (SELECT event_id FROM public.events WHERE position = 3) WHERE position = 7", "table events: event id"},
		{"UPDATE public.events SET recorded_at = now() + interval '20 days' WHERE position = (SELECT max(position) FROM public.events)", "ahead of the clock of the database"},
		{"UPDATE public.events SET recorded_at = recorded_at - interval '1 hour' WHERE position = 30", "position 30: recorded_at is "},
		{`UPDATE public.events SET metadata = '{"actor":"operator"}' WHERE type = 'gift.sent.v2'`, "operator could not cause gift.sent.v2"},
		{`UPDATE public.events SET metadata = '{"actor":"user-3"}' WHERE position = 28`, "position 28: user-3 could not cause gift.sent.v2"},
		{`UPDATE public.events SET metadata = '{"actor":"user-2","more":1}' WHERE position = 28`, "position 28: the metadata cannot be read"},
		{swapReprices, "gift 1 costs 20 before, not 25"},
		{"UPDATE public.events SET payload = replace(payload::text, '\"price\":20', '\"price\":21')::json WHERE type = 'gift.sent.v2'", "costs 20"},
		{"INSERT INTO read.poison VALUES (28, 'coins', 'gift.sent.v2', 'x')", "table poison: "},
		{"INSERT INTO read.coin_hold VALUES (2, 28)", "table coin_hold: "},
		{"INSERT INTO read.coin_held VALUES (2, 28)", "table coin_held: "},
		{"INSERT INTO read.coin_closing VALUES (2, 28)", "table coin_closing: "},
		{"INSERT INTO read.live_coin VALUES (99, 5)", "table live_coin: "},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			for statement := range strings.SplitSeq(tt.tamper, "; ") {
				w.Exec("SET session_replication_role = replica; " + statement + "; SET session_replication_role = origin")
			}
			if faults := w.faults(); !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, tt.fault) }) {
				t.Errorf("%s is not in %q", tt.fault, faults)
			}
			w.restoreAll()
		})
	}
	w.clean()
}

// swapReprices exchanges the payloads of two gift.repriced events of one gift.
const swapReprices = `WITH two AS (SELECT position, payload FROM public.events WHERE type = 'gift.repriced.v1' ORDER BY position DESC LIMIT 2)
	UPDATE public.events e SET payload = (SELECT payload FROM two o WHERE o.position <> e.position) FROM two WHERE e.position = two.position`

// tamperWorld is a log with a row in every table, and copies of all tables.
type tamperWorld struct {
	*projtest.World
	random *rand.Rand
}

func newTamperWorld(t *testing.T) *tamperWorld {
	t.Helper()
	s := projtest.Tell(t)
	sequencer := eventstore.NewSequencer(s.Store, eventstore.SequencerConfig{SnapshotEvery: 1})
	s.Start(sequencer.Run)
	bob := s.SignIn(s.Bob.ID)
	send := func(c domain.Command, by domain.Actor, key string) {
		t.Helper()
		_, err := sequencer.Execute(t.Context(), domain.Request{Command: c, Actor: by, IdempotencyKey: key})
		if err != nil && domain.AsRefusal(err) == nil {
			t.Fatal(err)
		}
	}
	send(domain.CreditCoins{Order: "order-9", User: s.Bob.ID, Coins: 500}, projtest.Operator, "credit-1")
	send(domain.PostComment{Live: s.Cooking, Text: "first"}, bob.Actor(), "comment-1")
	send(domain.SendGift{Live: s.Cooking, Gift: s.Rose, Num: 1}, bob.Actor(), "gift-1")
	send(domain.SendGift{Live: s.Cooking, Gift: s.Rose, Num: 9999}, bob.Actor(), "gift-2") // a refused command
	send(domain.PostComment{Live: s.Cooking, Text: "second"}, bob.Actor(), "comment-2")
	send(domain.RepriceGift{Gift: s.Rose, Price: 25}, projtest.Operator, "")
	send(domain.RepriceGift{Gift: s.Rose, Price: 30}, projtest.Operator, "")
	send(domain.SetPublishKey{Live: bob.CreateLive("with a key"), Hash: strings.Repeat("ab", 32)}, bob.Actor(), "")
	send(domain.SetRestream{Live: s.Cooking, Target: "example", URL: "rtmp://push.example/app", Secret: "sealed"}, projtest.Operator, "")
	send(domain.JoinLive{Live: s.Cooking, Node: "p9"}, bob.Actor(), "")
	send(domain.ProposeCorrection{Account: domain.WalletAccount(s.Bob.ID), Coins: -1, Reason: "why", Limit: 1, Period: time.Hour}, projtest.Operator, "")
	send(domain.SetShare{BasisPoints: 2000, Reason: "why"}, projtest.Operator, "")
	send(domain.SendGift{Live: s.Cooking, Gift: s.Rose, Num: 1}, bob.Actor(), "")
	send(domain.RequestPayout{Payout: "P1", Streamer: s.Ann.ID, Coins: 5, Reason: "why", Received: 10}, projtest.Operator, "")
	send(domain.CapturePayout{Payout: "P1", Reference: "T 1", Streamer: s.Ann.ID}, projtest.Operator, "")
	send(domain.RequestPayout{Payout: "P2", Streamer: s.Ann.ID, Coins: 5, Reason: "why", Received: 10}, projtest.Operator, "")
	concert := bob.CreateLive("concert")
	send(domain.SetAccess{Live: concert, Access: domain.AccessPaid, Price: 7}, bob.Actor(), "")
	send(domain.SetMinAge{Live: concert, MinAge: 1}, bob.Actor(), "")
	send(domain.ChangeProfile{Age: new(40)}, s.Eve.Actor(), "")
	send(domain.CreditCoins{Order: "order-10", User: s.Eve.ID, Coins: 20}, projtest.Operator, "")
	send(domain.BuyTicket{Live: concert, Price: 7, Streamer: s.Bob.ID}, s.Eve.Actor(), "ticket-1")
	send(domain.RefundTicket{Live: concert, User: s.Eve.ID, Reason: "no picture", Streamer: s.Bob.ID, Position: s.Head() - 1, Received: 7}, projtest.Operator, "")
	send(domain.AddWebhook{Webhook: "billing", URL: "https://hooks.example/a", Types: []string{"gift.*"}, After: 3, Reason: "why"}, projtest.Operator, "")
	send(domain.ChangeWebhook{Webhook: "billing", URL: "https://hooks.example/b", Types: []string{"gift.*"}, Renew: true}, projtest.Operator, "")
	stop := s.Project()
	s.CatchUp()
	s.Rebuild() // creates a second generation of the tables
	stop()
	s.GrowTree()
	cosign(s.World)
	seed := uint64(time.Now().UnixNano())
	t.Logf("the seed of the edits is %d", seed)
	w := &tamperWorld{World: s.World, random: rand.New(rand.NewPCG(seed, 1))}
	w.Exec("CREATE SCHEMA saved")
	for _, table := range w.tables() {
		w.Exec("CREATE TABLE saved." + savedName(table) + " AS TABLE " + table)
	}
	w.clean()
	return w
}

// cosign stores a cosignature of a witness for the newest signed checkpoint.
func cosign(w *projtest.World) {
	w.Helper()
	private, public, err := note.GenerateKey(cryptorand.Reader, "witness.example")
	if err != nil {
		w.Fatal(err)
	}
	signer, err := cosignature.NewSignerForCosignatureV1(private)
	if err != nil {
		w.Fatal(err)
	}
	if public, err = cosignature.VKeyToCosignatureV1(public); err != nil {
		w.Fatal(err)
	}
	settings := transparency.WitnessSettings{Witnesses: []string{public}, Cosignatures: 1}
	witnesses, err := settings.Open()
	if err != nil {
		w.Fatal(err)
	}
	state, err := tree.ReadState(w.Context(), w.Pool)
	if err != nil {
		w.Fatal(err)
	}
	known, err := transparency.ParseKeys(state.Keys)
	if err != nil {
		w.Fatal(err)
	}
	checkpoint, err := note.Open(state.Signed, known)
	if err != nil {
		w.Fatal(err)
	}
	signed, err := note.Sign(checkpoint, signer)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := tree.AddCosignatures(w.Context(), w.Pool, w.Store.ID(), witnesses, signed); err != nil {
		w.Fatal(err)
	}
}

func savedName(table string) string { return strings.ReplaceAll(table, ".", "_") }

// tables returns all tables except those in tamperTables.
func (w *tamperWorld) tables() []string {
	w.Helper()
	return slices.DeleteFunc(strings.Fields(w.Text("SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema IN ('public', 'read') ORDER BY 1")),
		func(table string) bool { return tamperTables[table] != "" })
}

// columns returns all columns that are checked.
func (w *tamperWorld) columns() []column {
	w.Helper()
	var all []column
	for _, table := range w.tables() {
		schema, name, _ := strings.Cut(table, ".")
		for _, c := range strings.Fields(w.Text(fmt.Sprintf("SELECT column_name || ':' || replace(data_type, ' ', '_') FROM information_schema.columns WHERE table_schema = '%s' AND table_name = '%s' ORDER BY 1", schema, name))) {
			of, kind, _ := strings.Cut(c, ":")
			if tamperExempt[table+"."+of] == "" {
				all = append(all, column{table, of, strings.ReplaceAll(kind, "_", " ")})
			}
		}
	}
	return all
}

// edit changes the value of a column in a random row. It reports false if constraints refuse all edits, or if the table
// has no row.
func (w *tamperWorld) edit(c column) bool {
	w.Helper()
	where := tamperRows[c.table]
	if where == "" {
		where = "true"
	}
	choices := edits[c.kind]
	if choices == nil {
		w.Fatalf("column %s.%s has the type %s: add edits of that type", c.table, c.name, c.kind)
	}
	for _, i := range w.random.Perm(len(choices)) {
		value, allowed := fmt.Sprintf(choices[i], c.name), "true"
		if condition, ok := tamperValues[c.table+"."+c.name]; ok {
			allowed = fmt.Sprintf(condition, value)
		}
		tag, err := w.execAsReplica(fmt.Sprintf(`UPDATE %[1]s t SET %[2]s = %[3]s WHERE ctid = (
			SELECT ctid FROM %[1]s WHERE (%[4]s) AND (%[6]s) AND %[2]s::text IS DISTINCT FROM (%[3]s)::text ORDER BY md5(ctid::text || '%[5]d') LIMIT 1)`,
			c.table, c.name, value, where, w.random.Int(), allowed))
		var refused *pgconn.PgError
		switch {
		case errors.As(err, &refused): // a constraint has refused the edit
		case err != nil:
			w.Fatal(err)
		case tag.RowsAffected() == 1:
			return true
		}
	}
	return false
}

// execAsReplica executes a statement for which no triggers run. It leaves no trace in the system catalogue.
func (w *tamperWorld) execAsReplica(sql string) (tag pgconn.CommandTag, err error) {
	w.Helper()
	tx, err := w.DB.Owner.Begin(w.Context())
	if err != nil {
		return tag, err
	}
	defer func() { _ = tx.Rollback(w.Context()) }()
	if _, err := tx.Exec(w.Context(), "SET LOCAL session_replication_role = replica"); err != nil {
		return tag, err
	}
	if tag, err = tx.Exec(w.Context(), sql); err != nil {
		return tag, err
	}
	return tag, tx.Commit(w.Context())
}

// restore restores the tables of the given columns from the copies.
func (w *tamperWorld) restore(edited []column) {
	w.Helper()
	for _, c := range edited {
		w.restoreTable(c.table)
	}
}

func (w *tamperWorld) restoreAll() {
	w.Helper()
	for _, table := range w.tables() {
		w.restoreTable(table)
	}
}

func (w *tamperWorld) restoreTable(table string) {
	w.Helper()
	for _, sql := range []string{"DELETE FROM " + table, "INSERT INTO " + table + " SELECT * FROM saved." + savedName(table)} {
		if _, err := w.execAsReplica(sql); err != nil {
			w.Fatal(err)
		}
	}
}

// faults verifies the log and the tables with a new Store, whose caches are empty.
func (w *tamperWorld) faults() []string {
	w.Helper()
	pool := w.Pool
	store, err := eventstore.Open(w.Context(), pool, eventstore.Config{Now: time.Now})
	if err != nil {
		return []string{"table store: " + err.Error()} // the Store does not open, so the program would not start
	}
	report, err := rebuild.Verify(w.Context(), store, pool, rebuild.VerifyConfig{Now: time.Now})
	if err != nil {
		w.Fatal(err)
	}
	var faults []string
	for _, f := range report.Faults {
		faults = append(faults, f.String())
	}
	return faults
}

// mustName fails the test unless a verification reports the tables of all given columns.
func (w *tamperWorld) mustName(edited []column) {
	w.Helper()
	faults := w.faults()
	for _, c := range edited {
		_, table, _ := strings.Cut(c.table, ".")
		if !slices.ContainsFunc(faults, func(f string) bool {
			return strings.HasPrefix(f, "table "+table+":") || table == "events" && strings.HasPrefix(f, "position ")
		}) {
			w.Errorf("an edit of %s.%s is not found; the faults are %q", c.table, c.name, faults)
		}
	}
}

func (w *tamperWorld) clean() {
	w.Helper()
	if faults := w.faults(); len(faults) > 0 {
		w.Fatalf("got the faults %q without an edit, want none", faults)
	}
}

// TestForgedSetAsides checks that a forged event that sets a coin event aside does not hide the coin event: states are
// folded without it, but the tables contain it.
func TestForgedSetAsides(t *testing.T) {
	t.Parallel()
	w := newTamperWorld(t)
	balance := w.Int("SELECT balance FROM read.coin WHERE account = 'user-2'")
	version := int(w.Int("SELECT max(version) FROM public.events WHERE stream = 'wallet-2'")) + 1
	first := w.Head() + 1
	credit := func(at, balance int64) {
		w.forgeBy("user-2", at, "wallet-2", version, "coins.credited.v1", fmt.Sprintf(`{"user":2,"order":"x","coins":5,"balance_after":%d,
			"postings":[{"account":"provider","amount":-5},{"account":"user-2","amount":5}]}`, balance))
	}
	setAside := func(at int64, version int, of int64, stream, kind string) {
		w.forgeBy("operator", at, fmt.Sprintf("setaside-%d", of), version, "event.set_aside.v1",
			fmt.Sprintf(`{"position":%d,"stream":%q,"type":%q,"reason":"forged"}`, of, stream, kind))
	}
	for _, tt := range []struct {
		name   string
		forge  func()
		faults []string // expected fault at each forged position; "" if there is none
	}{
		{"before the event", func() {
			setAside(first, 1, first+1, "wallet-2", "coins.credited.v1")
			credit(first+1, balance+5)
		}, []string{"which is not an earlier event", "user-2 could not cause coins.credited.v1"}},
		{"after the event", func() {
			credit(first, balance+5)
			setAside(first+1, 1, first, "wallet-2", "coins.credited.v1")
		}, []string{"", "although it could be applied"}},
		{"an event that could not be applied", func() {
			credit(first, balance+6)
			setAside(first+1, 1, first, "wallet-2", "coins.credited.v1")
		}, []string{"", ""}},
		{"as another event", func() {
			credit(first, balance+6)
			setAside(first+1, 1, first, "wallet-3", "gift.sent.v2")
		}, []string{"", "as gift.sent.v2 of wallet-3, but it is coins.credited.v1 of wallet-2"}},
		{"twice", func() {
			credit(first, balance+6)
			setAside(first+1, 1, first, "wallet-2", "coins.credited.v1")
			setAside(first+2, 2, first, "wallet-2", "coins.credited.v1")
		}, []string{"", "", fmt.Sprintf("as position %d has done before", first+1)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.forge()
			stop := w.Project()
			w.CatchUp()
			stop()
			faults := w.faults()
			for i, want := range tt.faults {
				at := fmt.Sprintf("position %d: ", first+int64(i))
				n := slices.IndexFunc(faults, func(f string) bool { return strings.HasPrefix(f, at) })
				if found := n >= 0; found != (want != "") || found && !strings.Contains(faults[n], want) {
					t.Errorf("%s want %q, got %q", at, want, faults)
				}
			}
			w.restoreAll()
		})
	}
	w.clean()
}

// forgeBy inserts an event with the given actor into the log.
func (w *tamperWorld) forgeBy(actor string, at int64, stream string, version int, kind, payload string) {
	w.Helper()
	w.Forge(at, stream, version, kind, payload, 0)
	if _, err := w.execAsReplica(fmt.Sprintf(`UPDATE public.events SET metadata = '{"actor":"%s"}' WHERE position = %d`, actor, at)); err != nil {
		w.Fatal(err)
	}
}
