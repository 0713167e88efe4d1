package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"roomlog/eventstore/pgtest"
)

// TestServerKilledUnderLoad kills the server repeatedly while users send gifts.
func TestServerKilledUnderLoad(t *testing.T) {
	t.Parallel()
	const rounds = 3
	at := serve(t, sharedSecrets, append([]string{"--data", dataDir(t), "--presence-grace", "1s"}, unhurried...)...)
	c := startLoad(t, 4, 2, 80, at)
	for round := range rounds {
		c.middle(round, rounds)
		at.kill()
		at.again()
	}
	c.judge()
	if code := at.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestRollingRestart stops and starts two servers one after another while users send gifts, as in an upgrade. A backup that is made
// meanwhile can be restored, and has no fault.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	args := append([]string{"--presence-grace", "1s"}, unhurried...)
	servers := []*process{serve(t, env, append([]string{"--data", dataDir(t)}, args...)...), serve(t, env, append([]string{"--data", dataDir(t)}, args...)...)}
	c, dir := startLoad(t, 4, 2, 80, servers...), filepath.Join(t.TempDir(), "backup")
	c.middle(0, 3)
	servers[0].roomlog("backup", dir)
	for round, p := range servers {
		c.middle(1+round, 3)
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
		p.again()
	}
	c.judge()
	restored := &process{t: t, env: []string{"DATABASE_URL=" + pgtest.Blank(t)}, args: []string{"--data", filepath.Join(t.TempDir(), "data")}}
	if out := restored.roomlog("restore", dir); !strings.Contains("\n"+out, "\nok: ") {
		t.Error(out)
	}
}

// TestPostgresKilledUnderLoad kills the private PostgreSQL repeatedly. The server restarts it and continues.
func TestPostgresKilledUnderLoad(t *testing.T) {
	t.Parallel()
	const rounds = 2
	data := dataDir(t)
	at := serve(t, sharedSecrets, append([]string{"--data", data}, unhurried...)...)
	c, killed := startLoad(t, 4, 2, 80, at), 0
	for round := range rounds {
		c.middle(round, rounds)
		killed = kill9Postgres(t, data, killed)
	}
	c.judge()
	probe := &person{t: t, at: at}
	eventually(t, "the server is ready again", func() bool {
		status, _ := probe.do(http.MethodGet, "/readyz", nil, nil)
		return status == http.StatusOK
	})
	_, metrics := probe.do(http.MethodGet, "/metrics", nil, nil)
	if want := fmt.Sprintf("roomlog_postgresql_restarts_total %d", rounds); !strings.Contains(string(metrics), want) {
		t.Errorf("the metrics do not say %s", want)
	}
	if code := at.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestDatabaseKilledUnderLoad kills an external database and starts it again. The tables lose some seconds, because
// their commits do not wait for the disk; the log must lose nothing.
func TestDatabaseKilledUnderLoad(t *testing.T) {
	t.Parallel()
	const rounds = 2
	database := pgtest.Server(t, pgtest.Setting("wal_writer_delay", "10s"))
	env := append([]string{"DATABASE_URL=" + database.DSN()}, sharedSecrets...)
	at := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	c := startLoad(t, 4, 2, 80, at)
	for round := range rounds {
		c.middle(round, rounds)
		database.Kill()
		database.Start()
	}
	c.judge()
	if code := at.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// kill9Postgres kills the main process of the private PostgreSQL and returns its id. It waits until this id differs
// from before, because the file with the id remains after the process has ended.
func kill9Postgres(t *testing.T, data string, before int) int {
	t.Helper()
	pid := before
	eventually(t, "PostgreSQL has restarted", func() bool {
		text, err := os.ReadFile(filepath.Join(data, "postgres", "postmaster.pid"))
		first, _, _ := strings.Cut(string(text), "\n")
		if err == nil { // an error means that the file is being written
			pid, err = strconv.Atoi(first)
		}
		return err == nil && pid > 1 && pid != before
	})
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestTwoNodesServeOneLive freezes and later kills one of two nodes. The other node must continue, and the viewers of
// the lost node must leave the list.
func TestTwoNodesServeOneLive(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	args := append([]string{"--presence-grace", "1s"}, unhurried...)
	one := serve(t, env, append([]string{"--data", dataDir(t)}, args...)...)
	two := serve(t, env, append([]string{"--data", dataDir(t)}, args...)...)
	c := startLoad(t, 4, 4, 80, one, two)

	// These viewers on the second node send nothing.
	quiet := join(t, two, "quiet")
	s := quiet.connect("")
	enter(t, s, c.live, "")

	streamer := &person{t: t, at: one, name: "streamer"}
	streamer.signIn()
	if there := streamer.viewers(c.live); !slices.Contains(there, quiet.id) || len(there) != 5 {
		t.Errorf("in the room are %v, want the four watchers and %d", there, quiet.id)
	}

	c.middle(0, 3)
	two.signal(syscall.SIGSTOP)
	c.middle(1, 3)
	two.signal(syscall.SIGCONT)
	c.middle(2, 3)
	two.kill()
	c.judge()

	eventually(t, "the live has no viewers", func() bool { return len(streamer.viewers(c.live)) == 0 })
	two.again()
	quiet.at = two
	s = quiet.connect("")
	enter(t, s, c.live, "")
	eventually(t, "the user who reconnected is in the live", func() bool {
		there := streamer.viewers(c.live)
		return len(there) == 1 && there[0] == quiet.id
	})
	for _, p := range []*process{one, two} {
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	}
}
