package pgtest_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
)

// TestHelperProcess plays the part of a test binary of another package. Other tests run it in a separate process.
func TestHelperProcess(t *testing.T) {
	do := os.Getenv("ROOMLOG_PGTEST_HELPER")
	if do == "" {
		return // runs only as the helper of other tests
	}
	if do == "server" {
		fmt.Printf("user %s\n", query[string](t, pgtest.Server(t).Open().Pool, "SELECT current_user"))
		return
	}
	db := pgtest.New(t)
	fmt.Printf("database %s\n", query[string](t, db.Pool, "SELECT current_database()"))
	fmt.Printf("server %s\n", query[string](t, db.Owner, "SELECT pg_postmaster_start_time()::text"))
	switch do {
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "cut":
		_, err := db.Owner.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
		if err != nil {
			t.Fatal(err)
		}
		pgtest.New(t)
	}
}

// helper runs TestHelperProcess in a separate process until it ends. It returns the values that the process printed, by
// name.
func helper(t *testing.T, do string, env ...string) (map[string]string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperProcess$")
	cmd.Env = append(os.Environ(), append(env, "ROOMLOG_PGTEST_HELPER="+do)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run() // like "go test", returns only when no process holds its output any more
	output := map[string]string{"all": out.String()}
	for line := range strings.Lines(out.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		output[name] = value
	}
	return output, err
}

func shared(dir string, idle time.Duration) []string {
	return []string{"TEST_DATABASE_URL=", "ROOMLOG_PGTEST_DIR=" + dir, "ROOMLOG_PGTEST_IDLE=" + idle.String()}
}

func ended(t *testing.T, dir string) {
	t.Helper()
	eventually(t, "the server has ended", func() bool {
		_, err := localpg.Attach(dir)
		return errors.Is(err, localpg.ErrNotRunning)
	})
	eventually(t, "the folder is not in use", func() bool {
		lock, err := os.OpenFile(filepath.Join(dir, "postgres.lock"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
	})
}

func TestShared_is_one_server_for_all_processes(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	type answer struct {
		output map[string]string
		err    error
	}
	results := make(chan answer)
	const processes = 4
	for range processes {
		go func() {
			output, err := helper(t, "work", shared(dir, 3*time.Second)...)
			results <- answer{output, err}
		}()
	}
	servers, databases := map[string]bool{}, map[string]bool{}
	for range processes {
		a := <-results
		if a.err != nil {
			t.Fatalf("%v\n%s", a.err, a.output["all"])
		}
		servers[a.output["server"]], databases[a.output["database"]] = true, true
	}
	if len(servers) != 1 || len(databases) != processes {
		t.Errorf("servers %v, databases %v, want 1 element, %v elements", servers, databases, processes)
	}
	if _, err := localpg.Attach(dir); err != nil { // the supervisor holds no pipe of the helper, because "go test" would have waited for it
		t.Errorf("the server ended before its users: %v", err)
	}
	ended(t, dir)
}

func TestShared_ends_when_it_is_idle_and_starts_again(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	var servers []string
	for range 3 {
		output, err := helper(t, "work", shared(dir, time.Millisecond)...)
		if err != nil {
			t.Fatalf("%v\n%s", err, output["all"])
		}
		servers = append(servers, output["server"])
		ended(t, dir)
	}
	if servers[0] == servers[1] || servers[1] == servers[2] {
		t.Errorf("got %v", servers)
	}
}

// TestShared_drops_the_databases_of_a_killed_process checks that the databases of a killed test process are dropped
// when no test process is running.
func TestShared_drops_the_databases_of_a_killed_process(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	output, err := helper(t, "die", shared(dir, time.Second)...)
	if err == nil || output["database"] == "" {
		t.Fatalf("%v\n%s", err, output["all"])
	}
	ended(t, dir)
	if left := databases(t, dir); len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
}

// TestShared_survives_a_test_that_cuts_all_connections checks that a test may cut all connections, including those of
// this package.
func TestShared_survives_a_test_that_cuts_all_connections(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	output, err := helper(t, "cut", shared(dir, time.Second)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, output["all"])
	}
	ended(t, dir)
	if left := databases(t, dir); len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
}

// databases starts the server on a folder again, and returns the names of the databases of tests in it.
func databases(t *testing.T, dir string) []string {
	t.Helper()
	server, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	pool, err := pgxpool.New(t.Context(), server.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if n := query[int](t, pool, "SELECT count(*) FROM pg_database WHERE datistemplate AND datname LIKE 'template\\_roomlog%'"); n != 1 {
		t.Errorf("%d templates, want 1", n)
	}
	return query[[]string](t, pool, "SELECT coalesce(array_agg(datname::text), '{}') FROM pg_database WHERE datname LIKE 't\\_%'")
}

func TestShared_deletes_data_that_cannot_be_started(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	if err := os.Mkdir(filepath.Join(dir, "postgres"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "postgres", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := helper(t, "work", shared(dir, time.Millisecond)...); err != nil {
		t.Fatalf("%v\n%s", err, output["all"])
	}
	ended(t, dir)
}

func TestShared_reports_why_the_server_does_not_start(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	output, err := helper(t, "work", append(shared(dir, time.Millisecond), "PG_BINDIR="+dir)...)
	if err == nil || !strings.Contains(output["all"], "no PostgreSQL found") {
		t.Errorf("%v\n%s", err, output["all"])
	}
}

func TestShared_can_be_another_server(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	db := server.Open()
	output, err := helper(t, "work", "TEST_DATABASE_URL="+server.DSN(), "ROOMLOG_PGTEST_DIR=/nowhere")
	if err != nil {
		t.Fatalf("%v\n%s", err, output["all"])
	}
	if output["server"] != query[string](t, db.Owner, "SELECT pg_postmaster_start_time()::text") {
		t.Errorf("it ran on another server: %s", output["all"])
	}
	if there(t, db.Owner, output["database"]) {
		t.Error("the database was left behind")
	}
	output, err = helper(t, "work", "TEST_DATABASE_URL=host=/tmp")
	if err == nil || !strings.Contains(output["all"], "TEST_DATABASE_URL has to begin with postgres://") {
		t.Errorf("%v\n%s", err, output["all"])
	}
}
