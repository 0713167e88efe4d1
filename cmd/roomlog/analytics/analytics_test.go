package analytics_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/cmd/roomlog/analytics"
	"roomlog/cmd/roomlog/analytics/duckdbtest"
	"roomlog/cmd/roomlog/eventtable"
	"roomlog/cmd/roomlog/export"
	"roomlog/domain"
	"roomlog/eventstore/replica"
	"roomlog/migrations"
	"roomlog/projections/projtest"
)

// views returns the views of a script without those of the event types.
func views(script string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`CREATE OR REPLACE VIEW analytics\.(\S+)`).FindAllStringSubmatch(script, -1) {
		if !regexp.MustCompile(`_v[0-9]+$`).MatchString(m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

// TestQuestions compares the rows that PostgreSQL returns over the log with those of DuckDB over an export, and with the
// tables. One gift has no effect: it was set aside.
func TestQuestions(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	traffic := projtest.NewTraffic(w, 8, 3)
	traffic.Act(4, 400)
	sellTickets(traffic)
	w.Forge(w.Head()+1, "wallet-999", 1, "gift.sent.v1", `{"sender":999,"streamer":1,"live":1,"gift":1,"name":"x","image":"","price":1000000,"num":1,"coins":1000000,"balance_after":0,"postings":[]}`, 1)
	w.Do(domain.SetEventAside{Position: w.Head(), Of: "wallet-999", EventType: "gift.sent.v1", Reason: "forged"})
	if err := errors.Join(analytics.Install(t.Context(), w.OwnerPool()), analytics.Install(t.Context(), w.OwnerPool())); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	e, err := export.Open(t.Context(), w.Store, replica.New(w.Store, nil, nil), w.OwnerPool(), export.Options{Dir: dir, Format: export.Parquet, SegmentEvents: 200})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Update(t.Context()), e.Close()); err != nil {
		t.Fatal(err)
	}

	// Both databases return the rows as JSON, so that their texts are the same.
	var names, queries []string
	questions := views(analytics.Postgres())
	for _, name := range questions {
		names = append(names, name)
		queries = append(queries, answer(name, columns(t, w, name)))
	}
	for _, spec := range domain.Events { // every column of every event type exists in both databases
		names = append(names, spec.Type)
		queries = append(queries, fmt.Sprintf("SELECT count(*), CAST(coalesce(sum(position), 0) AS bigint), count(DISTINCT event_id), count(at_utc), count(day) FROM %s", analytics.ViewOf(spec.Type)))
	}
	fromExport := duckdbtest.Query(t, "../testdata/clients", filepath.Join(dir, export.ViewsName), queries)
	filled := 0
	for i, query := range queries {
		fromLog := postgres(t, w, query)
		if fmt.Sprint(fromExport[i]) != fmt.Sprint(fromLog) {
			t.Errorf("%s: DuckDB returns\n%v\nPostgreSQL returns\n%v", names[i], fromExport[i], fromLog)
		}
		if i < len(questions) && len(fromLog) > 0 {
			filled++
		}
	}
	if filled < len(questions)-2 { // random traffic may lack an answer
		t.Errorf("only %d of %d questions have an answer", filled, len(questions))
	}

	defer w.Project()()
	w.CatchUp()
	for what, sql := range map[string][2]string{
		"coins of lives":    {"SELECT coalesce(sum(coins), 0) FROM analytics.gifts", "SELECT coalesce(sum(coins), 0) FROM read.live_coin"},
		"coins of tickets":  {"SELECT coalesce(sum(coins), 0) FROM analytics.tickets_by_live", "SELECT coalesce(sum(coins), 0) FROM read.ticket WHERE returned IS NULL"},
		"refunded tickets":  {"SELECT coalesce(sum(refunded), 0) FROM analytics.tickets_by_live", "SELECT count(returned) FROM read.ticket"},
		"present viewers":   {"SELECT count(*) FROM analytics.visits WHERE left_at IS NULL", "SELECT coalesce(sum(online), 0) FROM read.live_online"},
		"different viewers": {"SELECT coalesce(sum(new_viewers + returning_viewers), 0) FROM analytics.viewers_by_live", "SELECT coalesce(sum(viewers), 0) FROM read.look_count"},
		"comments":          {"SELECT coalesce(sum(comments), 0) FROM analytics.chat_activity", "SELECT count(*) FROM read.comment"},
	} {
		if got, want := w.Int("SELECT ("+sql[0]+")::bigint"), w.Int("SELECT ("+sql[1]+")::bigint"); got != want {
			t.Errorf("%s: %d, the tables contain %d", what, got, want)
		}
	}
}

// sellTickets sells three tickets for a live, of which one is refunded.
func sellTickets(traffic *projtest.Traffic) {
	ann, bob := traffic.Register("ann"), traffic.Register("bob")
	live := ann.CreateLive("concert")
	ann.Send(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: 30})
	bob.Credit(100)
	buy := domain.BuyTicket{Live: live, Price: 30, Streamer: ann.ID}
	ticket := bob.Send(buy).Events[0].Position
	ann.Send(domain.RefundTicket{Live: live, User: bob.ID, Reason: "ill", Streamer: ann.ID, Position: ticket, Received: 30})
	bob.Send(buy)
	cat := traffic.Register("cat")
	cat.Credit(30)
	cat.Send(buy)
}

// columns returns the columns of a view with their types.
func columns(t testing.TB, w *projtest.World, view string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, row := range postgres(t, w, fmt.Sprintf("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'analytics' AND table_name = '%s'", view)) {
		found[row[0]] = row[1]
	}
	return found
}

// answer returns a query for all rows of a view, in order. It converts values whose texts differ between databases.
func answer(view string, types map[string]string) string {
	var values []string
	for name, kind := range types {
		value := `"` + name + `"`
		switch {
		case strings.HasPrefix(kind, "timestamp"):
			value = "CAST(extract(epoch FROM " + value + ") * 1000000 AS bigint)"
		case kind == "double precision" || kind == "numeric":
			value = "CAST(round(CAST(" + value + " AS double precision) * 1000) AS bigint)"
		}
		values = append(values, "CAST("+value+" AS text)")
	}
	slices.Sort(values)
	var order []string
	for i := range values {
		order = append(order, fmt.Sprint(i+1))
	}
	return fmt.Sprintf("SELECT %s FROM analytics.%s ORDER BY %s", strings.Join(values, ", "), view, strings.Join(order, ", "))
}

// postgres returns the rows of a query as texts.
func postgres(t testing.TB, w *projtest.World, sql string) [][]string {
	t.Helper()
	rows, err := w.OwnerPool().Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (texts []string, err error) {
		values, err := row.Values()
		for _, v := range values {
			if v == nil {
				v = ""
			}
			texts = append(texts, fmt.Sprint(v))
		}
		return texts, err
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return found
}

// TestRoleOfAnalysts checks that the role can read the views, and that it has no other right.
func TestRoleOfAnalysts(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Register("ann").GoLive("a private title")
	if err := analytics.Install(t.Context(), w.OwnerPool()); err != nil {
		t.Fatal(err)
	}
	execute := func(sql string) error {
		return pgx.BeginFunc(t.Context(), w.OwnerPool(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SET LOCAL ROLE "+analytics.Role); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), sql)
			return err
		})
	}
	for _, name := range append(views(analytics.Postgres()), "gift_sent_v2", "live_created_v1") {
		if err := execute("SELECT * FROM analytics." + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, sql := range []string{
		"SELECT * FROM public.events", "SELECT * FROM public.user_key", "SELECT * FROM public.credential", "SELECT * FROM public.store", "SELECT * FROM read.user_account",
		"INSERT INTO analytics.events (position) VALUES (1)", "DELETE FROM analytics.gift_sent_v2", "CREATE TABLE analytics.mine (a int)", "CREATE TABLE public.mine (a int)",
		"DROP VIEW analytics.gifts", "SELECT title FROM analytics.live_created_v1",
	} {
		if err := execute(sql); err == nil {
			t.Errorf("the role may execute %s", sql)
		}
	}
	conn, err := w.OwnerPool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if found, err := migrations.CompareSchema(t.Context(), conn.Conn()); err != nil || len(found) > 0 {
		t.Errorf("roomlog verify reports %q, %v", found, err)
	}
}

// TestViewsHaveNoPrivateFields checks the columns of all views against the privacy of their fields.
func TestViewsHaveNoPrivateFields(t *testing.T) {
	t.Parallel()
	for _, table := range eventtable.Events(false) {
		for _, c := range table.Columns {
			if c.Field != "" && domain.IsPrivate(table.Name, c.Field) {
				t.Errorf("%s has the private column %s", table.Name, c.Name)
			}
		}
	}
}
