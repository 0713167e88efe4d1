package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest"
)

// ready is the response of /readyz.
type ready struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks"`
}

func (p *person) ready() (int, ready) {
	p.t.Helper()
	status, raw := p.do(http.MethodGet, "/readyz", nil, nil)
	var r ready
	if err := json.Unmarshal(raw, &r); err != nil {
		p.t.Fatalf("%v in %s", err, raw)
	}
	return status, r
}

func TestASecondServerOnOneDataFolderIsRefused(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	at := serve(t, nil, "--data", data)
	cmd := exec.CommandContext(t.Context(), program(t), "serve", "--data", data, "--http-addr", "127.0.0.1:0")
	cmd.Env = environment0()
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Another roomlog uses this data folder") {
		t.Errorf("%v: %s", err, out)
	}
	cmd = exec.CommandContext(t.Context(), program(t), "serve", "--data", dataDir(t), "--http-addr", at.addr)
	cmd.Env = environment0()
	if out, err = cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "choose another address") {
		t.Errorf("%v: %s", err, out)
	}
	if status, r := (&person{t: t, at: at}).ready(); status != http.StatusOK {
		t.Errorf("the first one is not ready any more: %d, %+v, want %v", status, r, http.StatusOK)
	}
}

// TestASecondSignalEndsAtOnce sends a second signal to a server that is shutting down. No acknowledged command may be
// lost.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--drain-timeout", "10m"}, unhurried...)...)
	anna := join(t, at, "anna")
	live := anna.open("a room")
	slow := slowRequest(t, at)
	at.signal(syscall.SIGTERM)
	eventually(t, "the server stops", func() bool { return strings.Contains(at.output(), "msg=stopping") })
	select {
	case <-at.exited:
		t.Fatal("it did not wait for a request under way")
	default:
	}
	at.signal(syscall.SIGTERM)
	at.wait()
	_ = slow.Close()
	at.again()
	anna.post("/api/live/changestatus", map[string]any{"id": live, "type": "pause"}, nil)
	if out := at.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Error(out)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	with := func(roles string) *person {
		return &person{t: t, at: serve(t, env, "--data", dataDir(t), "--roles", roles)}
	}
	api, realtime, projector := with("api"), with("realtime"), with("projector")
	for name, p := range map[string]*person{"api": api, "realtime": realtime, "projector": projector} {
		if status, r := p.ready(); status != http.StatusOK || r.Checks["roles"] == "" {
			t.Errorf("the process for %s is not ready: %d, %+v", name, status, r)
		}
		wantREST, wantSocket := http.StatusNotFound, http.StatusNotFound
		if name == "api" {
			wantREST = http.StatusOK
		}
		if name == "realtime" {
			wantSocket = http.StatusUpgradeRequired
		}
		if status, _ := p.do(http.MethodGet, "/api/gift/list", nil, nil); status != wantREST {
			t.Errorf("the process for %s answers REST with %d, want %d", name, status, wantREST)
		}
		if status, _ := p.do(http.MethodGet, "/ws", nil, nil); status != wantSocket {
			t.Errorf("the process for %s answers /ws with %d, want %d", name, status, wantSocket)
		}
	}
	// The nodes form one system: one runs the projector, another sends the pushes.
	anna := join(t, api.at, "anna")
	live := anna.open("a room")
	anna.at = realtime.at
	s := anna.connect("")
	enter(t, s, live, "")
	anna.at = api.at
	anna.post("/api/live/changestatus", map[string]any{"id": live, "type": "pause"}, nil)
	s.await("the pause", func(f frame) bool { return f.Type == "status" })
}

// TestReadyzFailsWhenTheTablesLag runs a server without a projector.
func TestReadyzFailsWhenTheTablesLag(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	p := &person{t: t, at: serve(t, env, "--data", dataDir(t), "--roles", "api", "--max-lag", "100ms", "--settle", "100ms"), name: "anna"}
	if status, r := p.ready(); status != http.StatusOK {
		t.Fatalf("an empty log: %d, %+v, want %v", status, r, http.StatusOK)
	}
	p.post("/api/reg", map[string]any{"username": "anna", "password": "secret", "repassword": "secret"}, nil)
	eventually(t, "/readyz fails", func() bool {
		status, r := p.ready()
		return status == http.StatusServiceUnavailable && strings.HasPrefix(r.Checks["tables"], "0 of 2, ") && r.Status == "not ready"
	})
}

// TestReadyzFailsWithoutTheDatabase stops and starts the database. The server must continue to run.
func TestReadyzFailsWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	database := pgtest.Server(t, pgtest.Setting("wal_writer_delay", "10s")) // commits that do not wait for the disk are lost
	env := append([]string{"DATABASE_URL=" + database.DSN()}, sharedSecrets...)
	p := &person{t: t, at: serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)}
	if status, r := p.ready(); status != http.StatusOK || !strings.HasPrefix(r.Checks["database"], "migration ") {
		t.Fatalf("at first: %d, %+v", status, r)
	}
	database.Kill()
	eventually(t, "the server has noticed the outage", func() bool {
		status, r := p.ready()
		return status == http.StatusServiceUnavailable && r.Checks["database"] == "unreachable"
	})
	if status, _ := p.do(http.MethodGet, "/healthz", nil, nil); status != http.StatusOK {
		t.Errorf("the process lives, and /healthz says %d, want %v", status, http.StatusOK)
	}
	database.Start()
	eventually(t, "the server is ready again", func() bool { status, _ := p.ready(); return status == http.StatusOK })
	p.post("/api/reg", map[string]any{"username": "anna", "password": "secret", "repassword": "secret"}, nil)
	eventually(t, "the tables are updated again", func() bool { _, r := p.ready(); return r.Checks["tables"] == "4 of 4" })
}

// TestReadinessNamesTheHolderOfTheLock holds the lock of the log in a database session of another program.
func TestReadinessNamesTheHolderOfTheLock(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t).DSN
	at := serve(t, append([]string{"DATABASE_URL=" + dsn}, sharedSecrets...), append([]string{"--data", dataDir(t)}, unhurried...)...)
	p := &person{t: t, at: at}
	for statement, lock := range map[string]string{
		"SELECT pg_advisory_lock(x'6c6f67'::bigint)": "the lock of the log",
		"BEGIN; LOCK TABLE user_key":                 "a lock on table user_key",
	} {
		foreign, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer foreign.Close(context.Background())
		if _, err := foreign.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("another database session (pid %d, ", foreign.PgConn().PID())
		eventually(t, "/readyz names the session", func() bool {
			status, r := p.ready()
			return status == http.StatusServiceUnavailable && strings.HasPrefix(r.Checks["log"], want) && strings.Contains(r.Checks["log"], "holds "+lock+": end it")
		})
		if err := foreign.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the server is ready again", func() bool {
			status, r := p.ready()
			return status == http.StatusOK && r.Checks["log"] == "writable"
		})
	}
}

// TestReadinessSaysWhatIsMissing locks, takes away and renames tables of a running server.
func TestReadinessSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t).DSN
	at := serve(t, append([]string{"DATABASE_URL=" + dsn}, sharedSecrets...), append([]string{"--data", dataDir(t)}, unhurried...)...)
	p := &person{t: t, at: at}
	foreign, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close(context.Background())
	for _, tt := range []struct {
		name, do, undo, check, note string
		status                      int
	}{
		{"a locked table of the transparency log", "BEGIN; LOCK TABLE tlog_checkpoint", "ROLLBACK", "transparency",
			fmt.Sprintf("the database session with pid %d", foreign.PgConn().PID()), http.StatusOK},
		{"no right to the transparency log", "REVOKE SELECT ON tlog_tree FROM roomlog_serving", "GRANT SELECT ON tlog_tree TO roomlog_serving", "transparency",
			"may not read table tlog_tree: run roomlog migrate", http.StatusOK},
		{"no transparency log", "ALTER TABLE tlog_tree RENAME TO other", "ALTER TABLE other RENAME TO tlog_tree", "transparency", "table tlog_tree is missing", http.StatusOK},
		{"a database without a log", "ALTER TABLE store RENAME TO other; ALTER TABLE command RENAME TO another", "ALTER TABLE other RENAME TO store; ALTER TABLE another RENAME TO command",
			"database", "the database has no log of roomlog", http.StatusServiceUnavailable},
	} {
		if _, err := foreign.Exec(t.Context(), tt.do); err != nil {
			t.Fatal(err)
		}
		eventually(t, "/readyz shows "+tt.name, func() bool {
			status, r := p.ready()
			return status == tt.status && strings.Contains(r.Checks[tt.check], tt.note) && (r.Status == "degraded") == (status == http.StatusOK)
		})
		if _, r := p.ready(); tt.check == "database" && strings.Contains(r.Checks["log"], "roomlog migrate") {
			t.Errorf("%s: the check log advises to migrate: %s", tt.name, r.Checks["log"])
		}
		if _, err := foreign.Exec(t.Context(), tt.undo); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the server is ready again after "+tt.name, func() bool { status, r := p.ready(); return status == http.StatusOK && r.Status == "ready" })
	}
}

// TestCommandsNameTheHolderOfATable checks that a command ends when another session has locked a table for longer than
// --lock-timeout, and that the error names the session: a command that reads the table, and one that waits until the
// projector of a server has updated it.
func TestCommandsNameTheHolderOfATable(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t).DSN
	at := serve(t, append([]string{"DATABASE_URL=" + dsn}, sharedSecrets...), append([]string{"--data", dataDir(t)}, unhurried...)...)
	p := &person{t: t, at: at}
	p.post("/api/reg", map[string]any{"username": "anna", "password": "secret", "repassword": "secret"}, nil)
	foreign, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close(context.Background())
	if _, err := foreign.Exec(t.Context(), "SET application_name = backup; BEGIN; LOCK TABLE read.coin"); err != nil {
		t.Fatal(err)
	}
	holder := fmt.Sprintf(`the database session with pid %d, application "backup"`, foreign.PgConn().PID())
	for _, args := range [][]string{{"coins", "credit", "--user", "1", "--amount", "5", "--order", "o1"}, {"user", "list"}} {
		out, errors, code := at.run(append(args, "--lock-timeout", "2s")...)
		if code != 1 || !strings.Contains(errors, holder) || !strings.Contains(errors, "pg_terminate_backend") {
			t.Errorf("%v: exit code %d, got %s%s, want %q", args, code, out, errors, holder)
		}
	}
	eventually(t, "/readyz names the session", func() bool {
		_, r := p.ready()
		return strings.Contains(r.Checks["tables"], holder)
	})
	if err := foreign.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the tables contain the credit", func() bool {
		out, code := at.try("user", "list")
		return code == 0 && strings.Contains(out, " 5 ")
	})
}
