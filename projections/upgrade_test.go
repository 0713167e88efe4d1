package projections_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
	"roomlog/migrations"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// The newest migration, and the projections, of the first roomlog. All projections had version 1.
var (
	firstVersion     int64 = 3
	firstProjections       = []string{
		"users", "sessions", "lives", "broadcasts", "recordings", "viewers", "look_counts", "comments", "emails",
		"chat_rooms", "participants", "messages", "gift_catalogue", "sent_gifts", "coins",
	}
)

// TestUpgradedTablesNeedNoRebuild checks that the projector continues with the tables of an older program after an
// upgrade. A migration that adds or changes a projection must also set its version.
func TestUpgradedTablesNeedNoRebuild(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Blank(t)
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	older, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("../migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := older.UpTo(t.Context(), firstVersion); err != nil {
		t.Fatal(err)
	}
	for _, name := range firstProjections {
		if _, err := db.ExecContext(t.Context(), "INSERT INTO read.projection (name, version) VALUES ($1, 1)", name); err != nil {
			t.Fatal(err)
		}
	}
	// A banned and an unbanned viewer in a log that the tables contain.
	if _, err := db.ExecContext(t.Context(), `INSERT INTO events (position, stream, version, event_id, type, payload, metadata, live_id, recorded_at)
		SELECT n, 'visit-7-' || u, v, gen_random_uuid(), type, payload::json, '{"actor":"system"}', 7, now() FROM (VALUES
			(1, 8, 1, 'viewer.banned.v1', '{"live":7,"user":8,"until":1}'), (2, 9, 1, 'viewer.banned.v1', '{"live":7,"user":9,"until":0}'),
			(3, 9, 2, 'viewer.unbanned.v1', '{"live":7,"user":9}'), (4, 8, 2, 'viewer.banned.v1', '{"live":7,"user":8,"until":2000000000}')
		) e (n, u, v, type, payload)`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO checkpoint (consumer_group, position, generation) VALUES ('projections', 4, 5)"); err != nil {
		t.Fatal(err)
	}
	if _, err := migrations.Apply(t.Context(), dsn, migrations.Config{}); err != nil {
		t.Fatal(err)
	}
	want, got := make(map[string]int), make(map[string]int)
	for _, p := range projections.All() {
		want[p.Name] = p.Version
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "SELECT name, version FROM read.projection")
	if err != nil {
		t.Fatal(err)
	}
	var name string
	var version int
	if _, err := pgx.ForEachRow(rows, []any{&name, &version}, func() error { got[name] = version; return nil }); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the projections of All in projections/apply.go (-) have other names or versions than the migrations set in read.projection (+): "+
			"add a missing projection to All, or set its name and version in its migration:\n%s", d)
	}
	var bans string
	if err := conn.QueryRow(t.Context(), "SELECT string_agg(concat_ws(' ', live_id, user_id, until), ', ') FROM read.viewer_ban").Scan(&bans); err != nil || bans != "7 8 2000000000" {
		t.Errorf("bans: %q, %v", bans, err)
	}
	if c, err := projections.ReadCheckpoint(t.Context(), conn); err != nil || c.Position != 4 || c.Generation <= 5 {
		t.Errorf("checkpoint %+v, %v, want position 4 and a new generation", c, err)
	}
}

// TestUpgradeHaltsOlderProjectors checks three migrations. A projector that began before the upgrade must apply no
// event after it, and the new projector must apply these events.
func TestUpgradeHaltsOlderProjectors(t *testing.T) {
	t.Parallel()
	var migration []byte
	for _, name := range []string{"00010_stream_access.sql", "00016_moderation.sql", "00021_review.sql", "00029_displaced.sql"} {
		text, err := os.ReadFile("../migrations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		migration = append(migration, text...)
	}
	w := projtest.New(t)
	w.Exec("DROP TABLE read.viewer_ban, read.publish_key, read.moderator, read.moderation_act, read.live_mode, read.held_comment, read.report, read.report_entry") // as before the migrations
	before := slices.DeleteFunc(projtest.WithVersion("viewers", 1), func(p projections.Projection) bool {
		return p.Name == "stream_access" || p.Name == "moderation" || p.Name == "reviews"
	})
	for i := range before {
		if before[i].Name == "comments" {
			before[i].Version = 1
		}
	}
	older := w.Projector(projections.ProjectorConfig{Projections: before, HaltedRetry: 10 * time.Millisecond})
	w.Start(older.Run)
	c := projtest.NewTraffic(w, 3, 1) // the first user is the streamer
	live, first, second := c.Lives[0], c.Users[1].ID, c.Users[2].ID
	w.Do(domain.BanViewer{Live: live, User: first})
	w.CatchUp()

	// The last batch of the older projector: it holds the checkpoint when the migration begins.
	batch, err := w.DB.Owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = batch.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := batch.Exec(t.Context(), "SELECT FROM public.checkpoint FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	migrated, owner := make(chan error, 1), w.OwnerPool()
	go func() {
		_, err := owner.Exec(context.Background(), string(migration))
		migrated <- err
	}()
	w.Eventually(func() error {
		if w.Int("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%CREATE TABLE read.viewer_ban%'") == 0 {
			return errors.New("the migration does not wait for the projector")
		}
		return nil
	})
	w.Do(domain.BanViewer{Live: live, User: second})
	if _, err := batch.Exec(t.Context(), "UPDATE public.checkpoint SET position = e.position, event_id = e.event_id FROM (SELECT * FROM public.events ORDER BY position DESC LIMIT 1) e"); err != nil {
		t.Fatal(err)
	}
	if err := batch.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := waittest.Receive(t, migrated, "the migration"); err != nil {
		t.Fatal(err)
	}
	if _, err := migrations.Apply(t.Context(), w.DB.DSN, migrations.Config{}); err != nil { // grants the rights to the tables
		t.Fatal(err)
	}
	w.Do(domain.UnbanViewer{Live: live, User: first})
	if halt := w.WaitHalted(older); halt.Projection != "viewers" {
		t.Error(halt)
	}
	w.Project()
	w.CatchUp()
	if bans := w.Text("SELECT user_id::text FROM read.viewer_ban"); bans != fmt.Sprint(second) {
		t.Errorf("bans of the users %s, want %d", bans, second)
	}
	w.Verify()
}
