package projections_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

var update = flag.Bool("update", false, "update the golden file of the tables")

// random matches columns whose values differ in every run.
var random = regexp.MustCompile(`"(name_key|id)": "[0-9a-f]+"`)

// golden returns the rows of all tables in the form of the golden file.
func golden(w *projtest.World) string {
	return random.ReplaceAllString(w.Dump("read"), `"$1": "…"`)
}

func TestGoldenTables(t *testing.T) {
	t.Parallel()
	s := projtest.Tell(t)
	s.Project()
	s.CatchUp()
	file := filepath.Join("testdata", "tables.golden")
	got := golden(s.World)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("testdata/tables.golden is stale: run make generate (-want +got):\n%s", diff)
	}
	s.Verify()
}

// TestTablesAcceptTimesThatStepBack creates a live and starts a broadcast while the clock of the database is 20 days
// ahead, and then sets the clock right.
func TestTablesAcceptTimesThatStepBack(t *testing.T) {
	t.Parallel()
	for _, together := range []bool{false, true} {
		t.Run(fmt.Sprintf("in one batch: %t", together), func(t *testing.T) {
			t.Parallel()
			var ahead atomic.Int64
			clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			w := projtest.Open(t, pgtest.New(t), eventstore.Config{Clock: clock}, "first")
			if !together {
				w.Project()
			}
			ann := w.Register("ann")
			ahead.Store(int64(20 * 24 * time.Hour))
			live := ann.CreateLive("cooking")
			ann.Send(domain.ChangeLiveStatus{Live: live, To: domain.LivePlay})
			w.DoAsSystem(domain.StartBroadcast{Live: live, Broadcast: "first", Node: "p1"})
			if !together {
				w.CatchUp()
			}
			ahead.Store(0)
			w.DoAsSystem(domain.StopBroadcast{Live: live, Broadcast: "first", Cause: domain.StopByPublisher})
			ann.Send(domain.ChangeLiveStatus{Live: live, To: domain.LivePause})
			if together {
				w.Project()
			}
			w.CatchUp()
			if found := poison(w); len(found) > 0 {
				t.Errorf("set aside: %q", found)
			}
			w.Verify()
		})
	}
}

func TestForgottenUsersLeaveNoTextInTables(t *testing.T) {
	t.Parallel()
	s := projtest.Tell(t)
	stop := s.Project()
	s.CatchUp()
	for _, text := range []string{`"cat"`, "my name is cat", "chatting"} {
		if strings.Contains(s.Dump("read"), text) {
			t.Errorf("%s is still in the tables", text)
		}
	}
	live := s.Dump("read")
	stop()
	s.Rebuild()
	if again := s.Dump("read"); again != live {
		t.Errorf("rebuilt tables differ:\n%s", cmp.Diff(strings.Split(live, "\n"), strings.Split(again, "\n")))
	}
	t.Run("and none in replaced tables", func(t *testing.T) {
		s.Project()
		s.Do(domain.ForgetUser{User: s.Ann.ID})
		s.CatchUp()
		for _, text := range []string{`"ann"`, "Ann the cook", "cooking"} {
			if strings.Contains(s.Dump("read_old_0"), text) {
				t.Errorf("%s is still in the replaced tables", text)
			}
		}
	})
}

// TestEveryEventIsProjected checks that every event either has a projection or is marked as notProjected in the table
// of deltas.
func TestEveryEventIsProjected(t *testing.T) {
	t.Parallel()
	notProjected := map[string]bool{}
	for _, s := range projections.DeltaSpecs() {
		notProjected[s.Event] = notProjected[s.Event] || s.NotProjected
	}
	for _, spec := range domain.Events {
		handlers := 0
		for _, p := range projections.All() {
			for _, h := range p.Handlers {
				if h.Type == spec.Type {
					handlers++
				}
			}
		}
		switch {
		case handlers == 0 && !notProjected[spec.Type]:
			t.Errorf("%s: no projection handles it: write one, or mark its entry in projections/deltatable.go as notProjected", spec.Type)
		case handlers > 0 && notProjected[spec.Type]:
			t.Errorf("%s: %d projections handle it: remove notProjected from its entry in projections/deltatable.go", spec.Type, handlers)
		}
	}
}

func TestEveryTableHasOneWriter(t *testing.T) {
	t.Parallel()
	writers := map[string]int{"poison": 1, "projection": 1} // tables that the projector itself writes
	names := make(map[string]bool)
	for _, p := range projections.All() {
		if names[p.Name] || p.Version < 1 {
			t.Errorf("projection %s of All in projections/apply.go has version %d, or the name of another one: give it a version from 1 and a name of its own", p.Name, p.Version)
		}
		names[p.Name] = true
		for _, table := range p.Tables {
			writers[table]++
		}
	}
	w := projtest.New(t)
	for _, table := range projtest.Tables() {
		if writers[table] != 1 {
			t.Errorf("table %s has %d writers, want 1: name it in Tables of exactly one projection, and add this projection to All in projections/apply.go", table, writers[table])
		}
		delete(writers, table)
	}
	if len(writers) > 0 {
		t.Errorf("tables that Tables in projections/projtest/tables.go lacks: add %v", slices.Sorted(maps.Keys(writers)))
	}
	if n := w.Int("SELECT count(*) FROM pg_class WHERE relnamespace = 'read'::regnamespace AND relkind = 'r'"); n != int64(len(projtest.Tables())) {
		t.Errorf("the migrations create %d tables in schema read, Tables in projections/projtest/tables.go has %d: add each new table to it, and to Tables of a projection", n, len(projtest.Tables()))
	}
}

func TestTablesDoNotDependOnTheSizeOfBatches(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 6, 2)
	c.Act(8, 300)
	var first string
	for _, size := range []int{1, 7, 1000} {
		w.Empty()
		if err := projections.ProjectPlainly(t.Context(), w.Store, w.Pool, w.Head(), size); err != nil {
			t.Fatal(err)
		}
		switch dump := w.Dump("read"); {
		case first == "":
			first = dump
		case dump != first:
			t.Errorf("batches of %d lead to other rows than batches of 1", size)
		}
	}
	w.Verify()
}
