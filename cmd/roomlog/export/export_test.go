package export_test

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"roomlog/cmd/roomlog/export"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/replica"
	"roomlog/projections/projtest"
)

// update opens an export, brings it up to date and closes it.
func update(t testing.TB, w *projtest.World, o export.Options) *export.Manifest {
	t.Helper()
	m, err := tryUpdate(w.Store, w, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func tryUpdate(store *eventstore.Store, w *projtest.World, o export.Options) (*export.Manifest, error) {
	e, err := export.Open(context.Background(), store, replica.New(store, nil, nil), w.OwnerPool(), o)
	if err != nil {
		return nil, err
	}
	return e.Manifest(), errors.Join(e.Update(context.Background()), e.Close())
}

// event contains the data of an event that the files of every format have.
type event struct {
	Position int64     `json:"position" parquet:"position"`
	EventID  string    `json:"event_id" parquet:"event_id"`
	At       time.Time `json:"recorded_at" parquet:"recorded_at,timestamp(microsecond)"`
}

// readFile returns the events of a file.
func readFile(t testing.TB, path string) (events []event) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	switch filepath.Ext(path) {
	case ".parquet":
		rows := parquet.NewGenericReader[event](file)
		defer rows.Close()
		all := make([]event, rows.NumRows())
		if n, err := rows.Read(all); n != len(all) || err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("%s: %d of %d rows, %v", path, n, len(all), err)
		}
		return all
	case ".csv":
		rows, err := csv.NewReader(file).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			var e event
			cell := func(name string) string { return row[slices.Index(rows[0], name)] }
			_, _ = fmt.Sscan(cell("position"), &e.Position)
			e.EventID = cell("event_id")
			if e.At, err = time.Parse(time.RFC3339Nano, cell("recorded_at")); err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
	default:
		for lines := json.NewDecoder(file); ; {
			var e event
			err := lines.Decode(&e)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
	}
	return events
}

// check compares a folder with the log. The files in it must be those of the manifest and have the stated content. The
// table of the whole log and the tables of the types must contain every selected event exactly once.
func check(t testing.TB, w *projtest.World, dir string, m *export.Manifest, selected func(eventstore.Record) bool) {
	t.Helper()
	var want, log, typed []event
	for after := int64(0); after < m.Position; {
		page, err := w.Store.Read(t.Context(), eventstore.Query{After: after, UpTo: m.Position})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Events {
			if selected == nil || selected(r) {
				want = append(want, event{r.Position, r.ID.String(), r.RecordedAt})
			}
		}
		after = page.Next
	}
	named := map[string]bool{}
	for _, s := range m.Segments {
		for _, f := range s.Files {
			path := filepath.Join(dir, f.Path)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			events := readFile(t, path)
			if sum := fmt.Sprintf("%x", sha256.Sum256(content)); sum != f.SHA256 || int64(len(content)) != f.Bytes || int64(len(events)) != f.Rows {
				t.Errorf("%s has %d rows, %d bytes and hash %s, the manifest says %+v", f.Path, len(events), len(content), sum, f)
			}
			if f.First != events[0].Position || f.Last != events[len(events)-1].Position || !strings.Contains(f.Path, "day="+events[0].At.UTC().Format(time.DateOnly)) {
				t.Errorf("%s contains the positions %d to %d, the manifest says %+v", f.Path, events[0].Position, events[len(events)-1].Position, f)
			}
			named[path] = true
			if f.Table == "events" {
				log = append(log, events...)
			} else {
				typed = append(typed, events...)
			}
		}
	}
	slices.SortFunc(typed, func(a, b event) int { return int(a.Position - b.Position) })
	if fmt.Sprint(log) != fmt.Sprint(want) || fmt.Sprint(typed) != fmt.Sprint(want) || m.Events != int64(len(want)) {
		t.Errorf("the log has %d events up to position %d; the table of the log has %d, those of the types have %d, the manifest says %d",
			len(want), m.Position, len(log), len(typed), m.Events)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() && !named[path] && filepath.Dir(path) != dir {
			t.Errorf("the manifest does not name %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// played returns a log with random traffic.
func played(t testing.TB, n int) (*projtest.World, *projtest.Traffic) {
	w := projtest.New(t)
	traffic := projtest.NewTraffic(w, 8, 2)
	traffic.Act(4, n)
	return w, traffic
}

func TestExportIsTheLog(t *testing.T) {
	t.Parallel()
	w, traffic := played(t, 200)
	formats := []export.Format{export.Parquet, export.CSV, export.NDJSON}
	dirs := map[export.Format]string{}
	for _, f := range formats {
		dirs[f] = filepath.Join(t.TempDir(), "lake")
		update(t, w, export.Options{Dir: dirs[f], Format: f, SegmentEvents: 64})
	}
	traffic.Act(4, 100)
	for _, f := range formats {
		for range 2 { // the second time, nothing is new
			views := filepath.Join(dirs[f], export.ViewsName)
			_ = os.Remove(views) // a killed export may not have written the views
			m := update(t, w, export.Options{Dir: dirs[f], Format: f, SegmentEvents: 64})
			if m.Position != w.Head() || len(m.Segments) < 4 {
				t.Errorf("%s: position %d of %d in %d segments", f, m.Position, w.Head(), len(m.Segments))
			}
			check(t, w, dirs[f], m, nil)
			if _, err := os.Stat(views); (err == nil) != (f == export.Parquet) {
				t.Errorf("%s: views: %v", f, err)
			}
		}
	}
}

// TestExportOfASelection exports some types in small steps, while other events are appended. A folder keeps its selection.
func TestExportOfASelection(t *testing.T) {
	t.Parallel()
	w, traffic := played(t, 100)
	o := export.Options{Dir: t.TempDir(), Format: export.Parquet, SegmentEvents: 10, Filter: export.Filter{Types: []string{"viewer.joined.v1", "comment.posted.v1"}}}
	acting := make(chan struct{})
	go func() { defer close(acting); traffic.Act(2, 200) }()
	for done := false; !done; {
		select {
		case <-acting:
			done = true
		default:
		}
		m := update(t, w, o)
		check(t, w, o.Dir, m, func(r eventstore.Record) bool { return slices.Contains(o.Filter.Types, r.Type) })
	}
	for _, other := range []export.Options{
		{Dir: o.Dir, Format: export.Parquet},
		{Dir: o.Dir, Format: export.CSV, Filter: o.Filter},
		{Dir: o.Dir, Format: export.Parquet, Filter: o.Filter, Personal: true},
		{Dir: o.Dir, Format: export.Parquet, Filter: export.Filter{Types: o.Filter.Types, Live: 1}},
	} {
		if _, err := tryUpdate(w.Store, w, other); err == nil || !strings.Contains(err.Error(), "cannot be continued with") {
			t.Errorf("continued with other options: %v", err)
		}
	}
}

// child exports a log until it is killed.
func child(dsn, dir string) int {
	ctx := context.Background()
	err := func() error {
		pool, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{MaxConns: 2})
		if err != nil {
			return err
		}
		store, err := eventstore.Open(ctx, pool, eventstore.Config{Now: time.Now})
		if err != nil {
			return err
		}
		e, err := export.Open(ctx, store, replica.New(store, nil, nil), pool, export.Options{Dir: dir, Format: export.Parquet, SegmentEvents: 9})
		if err != nil {
			return err
		}
		return e.Update(ctx)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestExportIsKilled kills exports at any moment. The next export continues; in the end no event is missing or there twice.
func TestExportIsKilled(t *testing.T) {
	t.Parallel()
	w, _ := played(t, 250)
	dir := filepath.Join(t.TempDir(), "lake")
	kills, last := 0, int64(0)
	for last < w.Head() && kills < 4 {
		run := exec.CommandContext(t.Context(), os.Args[0])
		run.Env = append(os.Environ(), "EXPORT_CHILD_DSN="+w.DB.DSN, "EXPORT_CHILD_DIR="+dir)
		run.Stderr = os.Stderr
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- run.Wait() }()
		w.Eventually(func() error { // the child has written some segments
			m, err := export.ReadManifest(dir)
			if err != nil || m == nil || m.Position <= last+20 && m.Position < w.Head() {
				return fmt.Errorf("the manifest is at %+v: %w", m, err)
			}
			return nil
		})
		_ = run.Process.Kill()
		<-ended
		m, err := export.ReadManifest(dir)
		if err != nil {
			t.Fatal(err)
		}
		kills, last = kills+1, m.Position
	}
	m := update(t, w, export.Options{Dir: dir, Format: export.Parquet, SegmentEvents: 9})
	if m.Position != w.Head() {
		t.Errorf("position %d of %d", m.Position, w.Head())
	}
	check(t, w, dir, m, nil)
}

// TestForgottenPersonInAnExport forgets a person between two exports. The files with private fields then do not contain the
// texts; the files without them never did.
func TestForgottenPersonInAnExport(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	ann, bob := w.Register("ann"), w.Register("bob")
	live := ann.GoLive("show")
	bob.Send(domain.JoinLive{Live: live, Node: "n"})
	bob.Send(domain.PostComment{Live: live, Text: "a private secret"})
	ann.Send(domain.PostComment{Live: live, Text: "a public hello"})
	private := export.Options{Dir: t.TempDir(), Format: export.NDJSON, SegmentEvents: 4, Personal: true}
	public := export.Options{Dir: t.TempDir(), Format: export.NDJSON, SegmentEvents: 4}
	count := func(dir, text string) (n int) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if !d.IsDir() {
				content, readErr := os.ReadFile(path)
				n, err = n+strings.Count(string(content), text), errors.Join(err, readErr)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	update(t, w, private)
	update(t, w, public)
	if n := count(private.Dir, "a private secret"); n != 2 {
		t.Errorf("the files with private fields contain the text %d times, want 2", n)
	}
	w.Do(domain.ForgetUser{User: bob.ID})
	check(t, w, private.Dir, update(t, w, private), nil)
	check(t, w, public.Dir, update(t, w, public), nil)
	for _, text := range []string{"a private secret", "bob"} {
		if a, b := count(private.Dir, text), count(public.Dir, text); a+b > 0 {
			t.Errorf("after bob was forgotten, the files contain %q %d and %d times", text, a, b)
		}
	}
	if a, b := count(private.Dir, "a public hello"), count(public.Dir, "a public hello"); a != 2 || b != 0 {
		t.Errorf("ann's text is in the files %d times with private fields and %d times without, want 2 and 0", a, b)
	}
}

// TestFoldersOfOthers checks that an export changes no folder that is not an export of this log, or that another export uses.
func TestFoldersOfOthers(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Register("ann")
	o := export.Options{Dir: t.TempDir(), Format: export.CSV}
	if err := os.WriteFile(filepath.Join(o.Dir, "letter"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := func(store *eventstore.Store, o export.Options, want string) {
		t.Helper()
		if _, err := tryUpdate(store, w, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	refused(w.Store, o, "is not an export of roomlog: it contains letter")
	o.Dir = t.TempDir()
	e, err := export.Open(t.Context(), w.Store, replica.New(w.Store, nil, nil), w.OwnerPool(), o)
	if err != nil {
		t.Fatal(err)
	}
	refused(w.Store, o, "another export is writing to")
	if err := errors.Join(e.Update(t.Context()), e.Close()); err != nil {
		t.Fatal(err)
	}
	refused(projtest.New(t).Store, o, "event that this log does not have") // the databases of tests have the same id
}
