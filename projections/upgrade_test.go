package projections_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"roomlog/eventstore/pgtest"
	"roomlog/migrations"
	"roomlog/projections"
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
		t.Errorf("the versions of the tables (-want +got):\n%s", d)
	}
}
