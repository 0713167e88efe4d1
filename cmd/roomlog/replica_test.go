package main_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"roomlog/eventstore/pgtest/failover"
)

// TestServerWithAStandby replays and exports the log through a standby, and kills the standby.
func TestServerWithAStandby(t *testing.T) {
	t.Parallel()
	database := failover.Start(t)
	standby := database.Standby()
	env := append([]string{"DATABASE_URL=" + database.DSN(), "ROOMLOG_READ_URL=" + standby.DSN()}, sharedSecrets...)
	at := serve(t, env, "--data", dataDir(t))
	anna := join(t, at, "anna")
	at.roomlog("user", "grant", fmt.Sprint(anna.id), "--role", "analyst")
	state := func() (string, string) {
		t.Helper()
		status, r := anna.ready()
		if status != http.StatusOK {
			t.Fatalf("/readyz responds %d, %+v", status, r)
		}
		return r.Status, r.Checks["replica"]
	}
	metric := func(name string) float64 {
		t.Helper()
		m := regexp.MustCompile(`(?m)^roomlog_` + name + ` (\S+)$`).FindSubmatch(at.fetch("/metrics"))
		if m == nil {
			t.Fatalf("there is no metric roomlog_%s", name)
		}
		value, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	replay := func() string {
		t.Helper()
		status, raw := anna.do(http.MethodGet, "/api/events", nil, nil)
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		if status != http.StatusOK || len(lines) < 3 || !strings.Contains(lines[len(lines)-1], `"end":"head"`) {
			t.Fatalf("got %d %s", status, raw)
		}
		for i, l := range lines[:len(lines)-1] {
			if !strings.Contains(l, fmt.Sprintf(`"position":%d,`, i+1)) {
				t.Fatalf("line %d is %s", i+1, l)
			}
		}
		return string(raw)
	}
	head := func() int64 {
		t.Helper()
		_, r := anna.ready()
		end, err := strconv.ParseInt(r.Checks["tables"][strings.LastIndex(r.Checks["tables"], " ")+1:], 10, 64)
		if err != nil {
			t.Fatalf("%v in %+v", err, r)
		}
		return end
	}
	eventually(t, "the standby has everything", func() bool {
		return metric("replica_position") == float64(head()) && metric("replica_behind_seconds") == 0
	})
	if status, note := state(); status != "ready" || !strings.HasPrefix(note, "used up to ") {
		t.Errorf("the state is %s, %q", status, note)
	}
	whole := replay()
	if metric("replica_reads_total") == 0 || metric("replica_used") != 1 || metric("replica_fallbacks_total") != 0 {
		t.Error("the standby has served no read")
	}
	exported := at.roomlog("export")

	standby.Kill()
	eventually(t, "/readyz is degraded", func() bool {
		status, note := state()
		return status == "degraded" && strings.HasPrefix(note, "not used: ")
	})
	if got := replay(); got != whole {
		t.Errorf("without the standby the replay is\n%s\nwant\n%s", got, whole)
	}
	if got := at.roomlog("export"); got != exported {
		t.Errorf("without the standby the export is\n%s\nwant\n%s", got, exported)
	}
	if n := at.warnings()["read replica is not used, reading from the primary"]; n == 0 || metric("replica_used") != 0 {
		t.Errorf("the log has %d warnings about the standby", n)
	}
	standby.Start()
	eventually(t, "/readyz is ready", func() bool { status, _ := state(); return status == "ready" })

	// The address of the database leads to the standby, and the connections to the primary end.
	standby.CatchUp()
	database.LeadTo(standby)
	database.Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
	eventually(t, "/readyz says that the database is a standby", func() bool {
		status, r := anna.ready()
		return status == http.StatusServiceUnavailable && strings.HasPrefix(r.Checks["log"], "the database is read-only (a standby)")
	})
	database.LeadBack()
	eventually(t, "/readyz is ready at the primary", func() bool { status, _ := anna.ready(); return status == http.StatusOK })
}
