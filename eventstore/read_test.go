package eventstore_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// mixedLog creates a log with events of two lives, several users and types.
func mixedLog(t *testing.T) (l *testLog, lives [2]fixture) {
	t.Helper()
	l = newLog(t)
	p := l.fixture(3, 1000)
	other := p
	other.live = l.onAir(p.users[2])
	for n := range 10 {
		l.execute(p.users[n%2].request(p.say(fmt.Sprint("here ", n))))
		l.execute(p.users[n%3].request(other.say(fmt.Sprint("there ", n))))
		l.execute(p.users[n%2].request(p.give(1)))
	}
	return l, [2]fixture{p, other}
}

func TestRead(t *testing.T) {
	t.Parallel()
	l, lives := mixedLog(t)
	all := l.verified()
	user := lives[0].users[1].id
	of := func(match func(eventstore.Record) bool) []int64 {
		var positions []int64
		for _, r := range all {
			if match(r) {
				positions = append(positions, r.Position)
			}
		}
		return positions
	}
	by := func(r eventstore.Record) bool {
		e, ok := r.Event.(domain.UserEvent)
		return ok && e.EventUser() == user
	}
	in := func(r eventstore.Record) bool {
		e, ok := r.Event.(domain.LiveEvent)
		return ok && e.EventLive() == lives[1].live
	}
	talk := []string{"gift.sent.v2", "comment.posted.v1"}
	comments := domain.Stream(fmt.Sprintf("comment-%d", lives[0].live))
	for _, tt := range []struct {
		name  string
		query eventstore.Query
		want  []int64
	}{
		{"everything", eventstore.Query{}, of(func(eventstore.Record) bool { return true })},
		{"after a position", eventstore.Query{After: 7}, of(func(r eventstore.Record) bool { return r.Position > 7 })},
		{"before the beginning", eventstore.Query{After: -5, UpTo: 3}, []int64{1, 2, 3}},
		{"up to a position", eventstore.Query{After: 4, UpTo: 6}, []int64{5, 6}},
		{"nothing between", eventstore.Query{After: 6, UpTo: 6}, nil},
		{"one type", eventstore.Query{Types: []string{"gift.sent.v2"}}, of(func(r eventstore.Record) bool { return r.Type == "gift.sent.v2" })},
		{"types, one twice", eventstore.Query{Types: append(talk, "gift.sent.v2", "unknown")}, of(func(r eventstore.Record) bool { return slices.Contains(talk, r.Type) })},
		{"no such type", eventstore.Query{Types: []string{"live.painted.v1"}}, nil},
		{"a live", eventstore.Query{Live: lives[1].live}, of(in)},
		{"a type in a live", eventstore.Query{Live: lives[1].live, Types: talk}, of(func(r eventstore.Record) bool { return in(r) && slices.Contains(talk, r.Type) })},
		{"no such live", eventstore.Query{Live: 99}, nil},
		{"a user", eventstore.Query{User: user}, of(by)},
		{"a user in a live", eventstore.Query{User: user, Live: lives[1].live}, of(func(r eventstore.Record) bool { return by(r) && in(r) })},
		{"all at once", eventstore.Query{User: user, Live: lives[1].live, Types: talk, After: 10, UpTo: 60},
			of(func(r eventstore.Record) bool {
				return by(r) && in(r) && slices.Contains(talk, r.Type) && r.Position > 10 && r.Position <= 60
			})},
		{"a stream", eventstore.Query{Stream: comments}, of(func(r eventstore.Record) bool { return r.Stream == comments })},
		{"a stream after a position", eventstore.Query{Stream: comments, After: 31, UpTo: 50},
			of(func(r eventstore.Record) bool { return r.Stream == comments && r.Position > 31 && r.Position <= 50 })},
		{"a type in a stream", eventstore.Query{Stream: comments, Types: talk, Live: lives[0].live}, of(func(r eventstore.Record) bool { return r.Stream == comments })},
		{"no such type in a stream", eventstore.Query{Stream: comments, Types: []string{"gift.sent.v2"}}, nil},
		{"a stream of another live", eventstore.Query{Stream: comments, Live: lives[1].live}, nil},
		{"no such stream", eventstore.Query{Stream: "wallet-99"}, nil},
		{"beyond the end", eventstore.Query{After: 10_000}, nil},
	} {
		if tt.query.User == 0 {
			if n, err := l.store.Count(t.Context(), tt.query); err != nil || n != int64(len(tt.want)) {
				t.Errorf("%s: counted %d, want %d, %v", tt.name, n, len(tt.want), err)
			}
		}
		for _, limit := range []int{0, 1, 3, 1_000_000} {
			t.Run(fmt.Sprintf("%s, %d at a time", tt.name, limit), func(t *testing.T) {
				readPages(t, l.store, tt.query, limit, tt.want, int64(len(all)))
			})
		}
	}
}

// readPages reads all events of a query, page by page.
func readPages(t *testing.T, s *eventstore.Store, q eventstore.Query, limit int, want []int64, head int64) {
	t.Helper()
	q.Limit = limit
	var got []int64
	for end := min(cmp.Or(q.UpTo, head), head); ; {
		page, err := s.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if page.Head != head {
			t.Fatalf("head %d, want %d", page.Head, head)
		}
		if limit > 0 && len(page.Events) > limit {
			t.Fatalf("%d events in a page", len(page.Events))
		}
		for _, r := range page.Events {
			if r.Event == nil || r.Position > page.Next {
				t.Fatalf("got %+v in a page up to %d", r, page.Next)
			}
			got = append(got, r.Position)
		}
		if page.Next >= end {
			break
		}
		if page.Next <= q.After {
			t.Fatalf("the cursor stays at %d", page.Next)
		}
		q.After = page.Next
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestPositionBefore(t *testing.T) {
	t.Parallel()
	l, _ := mixedLog(t)
	all := l.verified()
	before := func(at time.Time) (n int64) {
		for _, r := range all {
			if r.RecordedAt.Before(at) {
				n++
			}
		}
		return n
	}
	head := all[len(all)-1]
	for _, r := range all {
		for _, at := range []time.Time{r.RecordedAt, r.RecordedAt.Add(time.Microsecond), r.RecordedAt.Add(-time.Hour)} {
			position, final, err := l.store.PositionBefore(t.Context(), at)
			if want := before(at); err != nil || position != want || final != (want < head.Position) {
				t.Fatalf("before %v: got %d, %v, %v, want %d", at, position, final, err, want)
			}
		}
	}
	// As the log grows, the position before a time of the past stays the same.
	at := all[len(all)/2].RecordedAt
	want := before(at)
	for range 40 {
		l.list(1)
		if position, final, err := l.store.PositionBefore(t.Context(), at); err != nil || position != want || !final {
			t.Fatalf("got %d, %v, %v, want %d", position, final, err, want)
		}
	}
	empty := newLog(t)
	if position, final, err := empty.store.PositionBefore(t.Context(), at); position != 0 || final || err != nil {
		t.Errorf("in an empty log: got %d, %v, %v", position, final, err)
	}
}

// TestReadAdvancesWithoutMatches checks that a reader of rare events advances past all other events.
func TestReadAdvancesWithoutMatches(t *testing.T) {
	t.Parallel()
	l, lives := mixedLog(t)
	head := int64(len(l.all()))
	for name, q := range map[string]eventstore.Query{
		"stream": {Stream: "wallet-99"}, "type": {Types: []string{"user.disabled.v1"}}, "room": {Live: 77}, "type in a live": {Live: lives[0].live, Types: []string{"x"}},
	} {
		page, err := l.store.Read(t.Context(), q)
		if err != nil || page.Next != head || len(page.Events) != 0 {
			t.Errorf("%s: next %d, want %d, %v", name, page.Next, head, err)
		}
	}
	page, err := l.store.Read(t.Context(), eventstore.Query{User: 88, Limit: 5})
	if err != nil || page.Next != 5 || len(page.Events) != 0 {
		t.Errorf("person: next %d, want 5, %v", page.Next, err)
	}
	page, err = l.store.Read(t.Context(), eventstore.Query{After: head + 100})
	if err != nil || page.Next != head+100 || page.Head != head {
		t.Errorf("beyond the end: %+v, %v", page, err)
	}
}

func TestReadOfAnEmptyLog(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	page, err := l.store.Read(t.Context(), eventstore.Query{})
	if err != nil || len(page.Events) != 0 || page.Next != 0 || page.Head != 0 {
		t.Fatalf("got %+v, %v", page, err)
	}
	if head, err := l.store.Head(t.Context()); head != 0 || err != nil {
		t.Fatalf("head %d, %v, want 0", head, err)
	}
	l.list(1)
	if head, err := l.store.Head(t.Context()); head != 1 || err != nil {
		t.Fatalf("head %d, %v, want 1", head, err)
	}
}

func TestReadStream(t *testing.T) {
	t.Parallel()
	l, lives := mixedLog(t)
	chat := domain.Stream(fmt.Sprintf("comment-%d", lives[0].live))
	var texts []string
	for after := 0; ; {
		events, err := l.store.ReadStream(t.Context(), chat, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) == 0 {
			break
		}
		for _, r := range events {
			if after++; r.Version != after || r.Stream != chat {
				t.Fatalf("version %d of %s where %d was due, want %v, %v", r.Version, r.Stream, after, after, chat)
			}
			texts = append(texts, r.Event.(domain.CommentPosted).Text)
		}
	}
	if got := strings.Join(texts, ", "); got != "here 0, here 1, here 2, here 3, here 4, here 5, here 6, here 7, here 8, here 9" {
		t.Fatal(got)
	}
	if events, err := l.store.ReadStream(t.Context(), "comment-99", 0, 10); len(events) != 0 || err != nil {
		t.Fatalf("got %v, %v", events, err)
	}
}

// TestPlansOfAnEmptyLogReadByKey checks that query plans made for an empty log read by key, because they are also used
// when the log has grown.
func TestPlansOfAnEmptyLogReadByKey(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	tx, err := l.db.Owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), "SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]struct{ types, call string }{
		"select_head.sql":            {"bigint", "(9)"},
		"select_events.sql":          {"bigint, bigint, bigint", "(0, 9, 9)"},
		"select_live_events.sql":     {"bigint, bigint, bigint, bigint", "(0, 9, 9, 1)"},
		"select_typed_events.sql":    {"bigint, bigint, bigint, text[]", "(0, 9, 9, '{x}')"},
		"select_stream.sql":          {"text, int, bigint", "('x', 0, 9)"},
		"select_stream_events.sql":   {"bigint, bigint, bigint, text", "(0, 9, 9, 'x')"},
		"select_position_before.sql": {"timestamptz", "(now())"},
		"select_forgotten.sql":       {"text[], bigint", "('{x}', 0)"},
		"select_profiles.sql":        {"text[], bigint[]", "('{x}', '{}')"},
	} {
		plan := explain(t, tx, name, s.types, s.call)
		ordered := name != "select_typed_events.sql" && name != "select_forgotten.sql" // these two statements sort the few events that match
		if strings.Contains(plan, "Seq Scan") || ordered && (strings.Contains(plan, "Sort") || strings.Contains(plan, "Bitmap")) {
			t.Errorf("%s reads the log from end to end:\n%s", name, plan)
		}
		if name == "select_profiles.sql" && !strings.Contains(plan, "events_profile") {
			t.Errorf("%s reads all events of a user:\n%s", name, plan)
		}
	}
}
