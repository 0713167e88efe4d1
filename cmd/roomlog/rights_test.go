package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
)

// managed starts a PostgreSQL with a user plain who has no right to create roles. It returns the address of a database
// that plain owns, and of a database to which plain may only connect.
func managed(t *testing.T) (own, foreign string) {
	t.Helper()
	hba := filepath.Join(pgtest.Dir(t), "pg_hba.conf")
	if err := os.WriteFile(hba, []byte("local all all trust\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	server := pgtest.Server(t, pgtest.Setting("hba_file", hba))
	conn, err := pgx.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range []string{"CREATE ROLE plain LOGIN", "CREATE DATABASE own OWNER plain", "CREATE DATABASE foreigners"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	as := strings.Replace(server.DSN(), localpg.User+"@", "plain@", 1)
	return strings.Replace(as, "/"+localpg.Database+"?", "/own?", 1), strings.Replace(as, "/"+localpg.Database+"?", "/foreigners?", 1)
}

// TestMissingRightToCreateRolesIsAWarningOfServe checks that serve warns once if the database user may not create the
// serving role, and that the commands of operators do not warn.
func TestMissingRightToCreateRolesIsAWarningOfServe(t *testing.T) {
	t.Parallel()
	own, _ := managed(t)
	at := serve(t, append([]string{"DATABASE_URL=" + own}, sharedSecrets...), "--data", dataDir(t))
	const warning = "level=WARN msg=\"serving role not available"
	if n := strings.Count(at.output(), warning); n != 1 {
		t.Errorf("serve warned %d times, want once:\n%s", n, at.output())
	}
	for command, want := range map[string]string{"migrate": "roles: off", "gift add --name Rose --coin 3": "gift 1: Rose", "user list": "", "verify -q": "ok: "} {
		out, stderr, code := at.run(append(strings.Fields(command), "--log-format=text")...)
		if code != 0 || stderr != "" || !strings.Contains(out, want) {
			t.Errorf("%s: exit code %d: %s%s", command, code, out, stderr)
		}
	}
	if code := at.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestMissingRightsInTheDatabase checks that the error lists all rights that the database user lacks, and that nothing is
// created.
func TestMissingRightsInTheDatabase(t *testing.T) {
	t.Parallel()
	_, foreign := managed(t)
	p := &process{t: t, env: append([]string{"DATABASE_URL=" + foreign}, sharedSecrets...), args: []string{"--data", dataDir(t)}}
	for _, command := range []string{"migrate", "serve --http-addr 127.0.0.1:0"} {
		_, stderr, code := p.run(append(strings.Fields(command), "--log-format=text")...)
		if code != 2 || !strings.Contains(stderr, "the user in DATABASE_URL lacks rights in the database; its owner can grant them: "+
			"GRANT CREATE ON DATABASE foreigners TO plain; GRANT USAGE, CREATE ON SCHEMA public TO plain\n") {
			t.Errorf("%s: exit code %d: %s", command, code, stderr)
		}
	}
}

// TestRequireSynchronousNeedsARight checks that a server that may not see standbys says which statement grants the right.
func TestRequireSynchronousNeedsARight(t *testing.T) {
	t.Parallel()
	p := &process{t: t, env: withDatabase(t), args: []string{"--data", dataDir(t)}}
	_, out, code := p.run("serve", "--http-addr", "127.0.0.1:0", "--require-synchronous", "--log-format=text")
	if code != 1 || !strings.Contains(out, "--require-synchronous: the database does not show its standbys to this process: execute GRANT pg_read_all_stats TO roomlog_serving as a superuser") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
