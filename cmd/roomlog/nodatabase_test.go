package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/pgtest"
)

// existingDatabaseCommands returns command lines that need a database but do not create one: at least one for each such command.
func existingDatabaseCommands(t *testing.T) (all [][]string) {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "rules.json")
	if err := os.WriteFile(rules, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	replace := strings.NewReplacer("RULES", rules, "OUT", out)
	for line := range strings.Lines(existingDatabaseLines) {
		all = append(all, strings.Fields(replace.Replace(line)))
	}
	return all
}

// existingDatabaseLines are the command lines of existingDatabaseCommands. RULES is a file with rules of comments, OUT a path of no file.
const existingDatabaseLines = `gift add --name Rose --coin 3
gift list
gift reprice 1 --coin 3
gift withdraw 1
gift refund 1 --reason x
gift history
ticket list 1
ticket refund 1 2 --reason x
share set 100 --reason x
share list
payout request P1 --streamer 1 --amount 1 --reason x
payout capture P1 --reference x
payout void P1 --reason x
payout list
coins credit --user 1 --amount 1 --order A
coins correct user-1 --add 1 --reason x
coins approve 1
coins reject 1 --reason x
coins corrections
ledger balance
ledger statement user-1
ledger reconcile
ledger settlement 1 --from 1 --to 2
user list
user disable 1
user enable 1
user grant 1 --role analyst
user revoke 1 --role analyst
user forget 1 --yes
room add x
room list
room remove x
participant list
participant forget 1 --yes
streams list
streams players 1
streams targets 1
streams untarget 1 x
streams kick --live 1
live list
live stop 1
live mode mute_all 1 --live 1
live age 1 18
live access 1 open
live acts 1
invitation list 1
invitation revoke 1 1
moderator appoint --live 1 --user 1
moderator list 1
moderator remove --live 1 --user 1
comment remove --live 1 --position 1
comment clear --live 1 --user 1
comment held 1
comment release --live 1 --held 1
comment drop --live 1 --held 1
moderation try RULES --live 1
report list
report claim --live 1 --report 1
report decide upheld --live 1 --report 1
words add x
words list
words remove x
webhooks add x --url https://hooks.example/a
webhooks list
webhooks change x --url https://hooks.example/a
webhooks remove x
webhooks replay x
webhooks dead x
webhooks retry x
webhooks secrets x
top
sockets
kick --user 1
ban --user 1
unban --user 1
mute --user 1 --live 1
unmute --user 1 --live 1
warn --user 1 --live 1 --reason x
events list
events inspect 1
events set-aside 1 --reason x
audit status
audit key
audit gift 1
audit pack --out OUT
audit restart
replay 1
export
export OUT
analytics install
verify
rebuild
rebuild --rollback
rebuild --drop-old
bridge --nats-url nats://127.0.0.1:4222 --once
backup OUT
`

// withoutExistingDatabase lists the commands that use a database and are not in existingDatabaseLines, with the reason.
var withoutExistingDatabase = map[string]string{
	"serve":        "it creates the database",
	"migrate":      "it creates the tables",
	"restore":      "it needs an empty database, and creates one in the data folder",
	"config check": "it opens no database",
}

// TestEveryCommandIsTriedWithoutDatabase checks that existingDatabaseLines contains every command of the program that uses a
// database, or that withoutExistingDatabase says why not.
func TestEveryCommandIsTriedWithoutDatabase(t *testing.T) {
	t.Parallel()
	i := newInvocation(cli.Shell{})
	i.declareFlags("serve", "config")
	parser, err := kong.New(&i.line, kong.ExplicitGroups(groups), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	lines, known := strings.Split(existingDatabaseLines, "\n"), map[string]bool{}
	for _, leaf := range parser.Model.Leaves(false) {
		name := leaf.Path()
		known[name] = true
		_, alone := leaf.Target.Addr().Interface().(standalone)
		tried := slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line+" ", name+" ") })
		switch exempt := withoutExistingDatabase[name] != ""; {
		case !alone && !tried && !exempt:
			t.Errorf("%s is not tried without a database: add a line to existingDatabaseLines, or a reason to withoutExistingDatabase", name)
		case tried && (alone || exempt):
			t.Errorf("%s is tried without a database, but uses none or creates one", name)
		}
	}
	for name := range withoutExistingDatabase {
		if !known[name] {
			t.Errorf("withoutExistingDatabase contains %s, which is no command", name)
		}
	}
}

func TestCommandsCreateNoDatabase(t *testing.T) {
	t.Parallel()
	for _, args := range existingDatabaseCommands(t) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			empty := t.TempDir()
			for _, dir := range []string{empty, filepath.Join(empty, "mistyped")} {
				got := runIn(t.Context(), map[string]string{"ROOMLOG_DATA": dir}, args...)
				if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "roomlog: there is no database in the data folder "+dir+"\n") ||
					!strings.Contains(got.stderr, "roomlog serve") {
					t.Errorf("exit code %d: %s%s", got.code, got.stdout, got.stderr)
				}
			}
			if found, err := os.ReadDir(empty); err != nil || len(found) > 0 {
				t.Errorf("it created %v, %v", found, err)
			}
		})
	}
}

func TestCommandsMigrateNoEmptyDatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Blank(t)
	for _, args := range existingDatabaseCommands(t) {
		got := runIn(t.Context(), map[string]string{"DATABASE_URL": dsn}, args...)
		if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "roomlog: the database has no tables of roomlog: ") {
			t.Errorf("%v: exit code %d: %s%s", args, got.code, got.stdout, got.stderr)
		}
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var tables int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").Scan(&tables); err != nil || tables > 0 {
		t.Errorf("%d tables were created, %v", tables, err)
	}
}

// TestCommandsNameTheHolderOfTheLock checks that a command that waits in vain for the lock of the log names the
// session that holds it.
func TestCommandsNameTheHolderOfTheLock(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t).DSN
	conn, err := pgx.Connect(t.Context(), dsn+"&application_name=backup")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock(x'6c6f67'::bigint)"); err != nil {
		t.Fatal(err)
	}
	got := runIn(t.Context(), map[string]string{"DATABASE_URL": dsn}, "gift", "add", "--name", "Rose", "--coin", "3", "--lock-timeout", "1s")
	want := fmt.Sprintf("another database session (pid %d, application backup, since ", conn.PgConn().PID())
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d, got %s%s, want %q", got.code, got.stdout, got.stderr, want)
	}
}
