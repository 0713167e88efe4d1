package migrations_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roomlog/eventstore/pgtest"
	"roomlog/migrations"
)

var update = flag.Bool("update", false, "write the golden file of the schema")

func TestGoldenSchema(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.New(t).DSN)
	got, err := migrations.DescribeSchema(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.golden", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile("schema.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("schema.golden is not the schema that the migrations create: make generate")
	}
}

func TestCompareSchema(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.New(t).DSN)
	for _, tt := range []struct{ tamper, want string }{
		{"", ""},
		{"CREATE TABLE report (id int PRIMARY KEY); CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", ""},
		{"CREATE ROLE STRANGER; GRANT USAGE ON SCHEMA read TO STRANGER; GRANT SELECT ON ALL TABLES IN SCHEMA read TO STRANGER; GRANT SELECT ON events TO STRANGER", ""},
		{"DROP TRIGGER events_are_facts ON events", "trigger events_are_facts of table public.events is missing, expected CREATE TRIGGER"},
		{"ALTER TABLE events DISABLE TRIGGER events_are_facts", "trigger events_are_facts of table public.events is CREATE TRIGGER"},
		{"CREATE TRIGGER more BEFORE INSERT ON events EXECUTE FUNCTION events_are_facts()", "trigger more of table public.events is unexpected"},
		{"CREATE OR REPLACE FUNCTION events_are_facts() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", "function public.events_are_facts is BEGIN RETURN NULL; END, expected"},
		{"ALTER TABLE events DROP CONSTRAINT events_stream_version_key", "constraint events_stream_version_key of table public.events is missing, expected UNIQUE (stream, version)"},
		{"DROP INDEX events_live", "index events_live of table public.events is missing, expected CREATE INDEX events_live ON public.events"},
		{"ALTER TABLE read.coin DROP CONSTRAINT coin_never_negative", "constraint coin_never_negative of table read.coin is missing, expected CHECK"},
		{"ALTER TABLE read.gift ALTER name DROP NOT NULL", "column read.gift.name is text, expected text NOT NULL"},
		{"ALTER TABLE read.gift ADD COLUMN more int", "column read.gift.more is unexpected: integer"},
		{"ALTER TABLE read.live SET (fillfactor = 10)", "table read.live is permanent, fillfactor=10, expected"},
		{"CREATE TABLE read.more ()", "owner of table read.more is unexpected: the owner"},
		{"GRANT UPDATE ON events TO " + migrations.Role, "privilege UPDATE of roomlog_serving on table public.events is unexpected: granted"},
		{"REVOKE INSERT ON events FROM " + migrations.Role, "privilege INSERT of roomlog_serving on table public.events is missing, expected granted"},
		{"GRANT SELECT ON user_key TO PUBLIC", "privilege SELECT of everybody on table public.user_key is unexpected: granted"},
		{"GRANT INSERT (key) ON command TO PUBLIC", "privilege INSERT of everybody on column public.command.key is unexpected: granted"},
		{"GRANT CREATE ON SCHEMA read TO PUBLIC", "privilege CREATE of everybody on schema read is unexpected: granted"},
		{"CREATE ROLE STRANGER; ALTER TABLE snapshot OWNER TO STRANGER", "owner of table public.snapshot is STRANGER, expected the owner"},
		{"CREATE RULE quiet AS ON INSERT TO command DO INSTEAD NOTHING", "rule quiet of table public.command is unexpected"},
		{"CREATE TABLE more () INHERITS (events)", "child public.more of table public.events is unexpected: inherits"},
		{"CREATE TABLE more (LIKE read.gift INCLUDING ALL); ALTER TABLE read.gift INHERIT more", "parent public.more of table read.gift is unexpected: inherits"},
		{"CREATE FUNCTION public.mine() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.user_key'", "function public.mine is unexpected: SECURITY DEFINER SELECT count"},
		{"CREATE ROLE STRANGER LOGIN; GRANT " + migrations.Role + " TO STRANGER", "member STRANGER of role " + migrations.Role + " is unexpected: may log in"},
		{"CREATE ROLE STRANGER LOGIN NOINHERIT; GRANT " + migrations.Role + " TO STRANGER", "member STRANGER of role " + migrations.Role + " is unexpected: may log in"},
		{"GRANT pg_read_all_stats TO " + migrations.Role, ""}, // for --require-synchronous
		{"GRANT pg_read_all_data TO " + migrations.Role, "role " + migrations.Role + " is no login, member of pg_read_all_data, expected no login"},
		{"SET LOCAL session_replication_role = replica", "setting session_replication_role is replica, expected origin"},
		{"ALTER TABLE credential ENABLE ROW LEVEL SECURITY", "table public.credential is permanent, row security, expected permanent"},
	} {
		t.Run(tt.tamper, func(t *testing.T) {
			role := get[string](t, conn, "SELECT 'role_of_' || current_database()")
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), strings.ReplaceAll(tt.tamper, "STRANGER", role)); err != nil {
				t.Fatal(err)
			}
			got, err := migrations.CompareSchema(t.Context(), conn)
			if err := tx.Rollback(t.Context()); err != nil { // undoes the change, because roles belong to the whole server
				t.Fatal(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.ReplaceAll(tt.want, "STRANGER", role); want == "" && len(got) > 0 || want != "" && (len(got) == 0 || !strings.HasPrefix(got[0], want)) {
				t.Errorf("got  %q\nwant %s", got, want)
			}
		})
	}
}

// TestGenerationInTheComment checks the last migration that raises the generation of the read tables. It must also
// write the generation into the comment on schema read, because a verification compares both.
func TestGenerationInTheComment(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("0*.sql") // in the order of their numbers
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	missing := ""
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "generation = generation + 1") {
			missing = name
		}
		if strings.Contains(string(text), "COMMENT ON SCHEMA read IS") {
			missing = ""
		}
	}
	if missing != "" {
		t.Errorf("%s raises the generation and does not write the comment on schema read: see 00013_verify.sql", missing)
	}
}
