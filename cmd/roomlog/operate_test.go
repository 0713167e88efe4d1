package main_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest"
)

// TestOperatingBesideAServer checks that administrative commands take effect immediately in a running server.
func TestOperatingBesideAServer(t *testing.T) {
	t.Parallel()
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	live := anna.open("Anna's room")
	b := bert.connect("")
	enter(t, b, live, "")
	b.must("comment.post", map[string]any{"live": live, "text": "a word of bert's"}, "")

	at.roomlog("user", "disable", fmt.Sprint(bert.id))
	b.awaitClose()
	if b.code != 4501 {
		t.Errorf("the connection of somebody locked out is closed with %d %s, want 4501", b.code, b.reason)
	}
	if status, raw := bert.do(http.MethodGet, "/api/user/info", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("somebody locked out is answered %d, %s, want %v", status, raw, http.StatusUnauthorized)
	}
	at.roomlog("user", "enable", fmt.Sprint(bert.id))
	bert.signIn()

	at.roomlog("user", "forget", fmt.Sprint(bert.id), "--yes")
	at.roomlog("user", "grant", fmt.Sprint(anna.id), "--role", "analyst")
	at.roomlog("user", "grant", fmt.Sprint(anna.id), "--role", "personal")
	_, raw := anna.do(http.MethodGet, "/api/events", nil, nil)
	room := into[struct{ Snapshot struct{ Comments []by } }](t, anna.connect("").must("room.join", map[string]any{"live": live}, ""))
	if strings.Contains(string(raw), "bert") || len(room.Snapshot.Comments) != 1 || room.Snapshot.Comments[0].Text != "erased" {
		t.Errorf("something of bert's is left: %s, %+v", raw, room)
	}
	if out := at.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Error(out)
	}
}

// TestTrustedProxies checks from which proxies the server uses X-Forwarded-For.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"a program on this machine is trusted by default", nil, "203.0.113.9"},
		{"and by nobody who says otherwise", []string{"--trusted-proxies", "192.0.2.1"}, "127.0.0.1"},
	} {
		p := &person{t: t, at: serve(t, env, append([]string{"--data", dataDir(t)}, tt.args...)...)}
		p.do(http.MethodGet, "/api/gift/list", http.Header{"X-Forwarded-For": {"198.51.100.1, 203.0.113.9"}}, nil)
		eventually(t, "the request is in the log", func() bool { return strings.Contains(p.at.output(), "path=/api/gift/list") })
		if !strings.Contains(p.at.output(), "remote_addr="+tt.want) {
			t.Errorf("%s: the log does not say %s: %s", tt.name, tt.want, p.at.output())
		}
	}
}

func TestMetricsAndProfiles(t *testing.T) {
	t.Parallel()
	p := &person{t: t, at: serve(t, sharedSecrets, "--data", dataDir(t), "--pprof-addr", "127.0.0.1:0")}
	status, raw := p.do(http.MethodGet, "/metrics", nil, nil)
	for _, name := range []string{
		"go_goroutines", "process_open_fds", "roomlog_commands_total", "roomlog_commands_waiting", "roomlog_events_appended_total",
		"roomlog_tables_position", "roomlog_tables_lag_seconds", "roomlog_projector_halted", "roomlog_poisoned_events",
		"roomlog_released_position", `roomlog_sockets{dialect="native"}`, `roomlog_sockets_kicked_total{dialect="socketio"}`, "roomlog_polling_sessions",
		`roomlog_lives_joined{dialect="native"}`, `roomlog_sockets_slow{dialect="socketio"}`, `roomlog_sockets_queued_bytes{dialect="native"}`,
		`roomlog_flush_frames_count{dialect="native"}`, `roomlog_push_seconds_count{dialect="socketio"}`,
		"roomlog_database_connections",
		"roomlog_postgresql_restarts_total", "roomlog_http_connections", "roomlog_http_requests_in_flight",
	} {
		if !strings.Contains(string(raw), "\n"+name+" ") {
			t.Errorf("/metrics (status %d) lacks %s", status, name)
		}
	}
	at := regexp.MustCompile(`msg="serving profiles" address=(\S+)`).FindStringSubmatch(p.at.output())
	if at == nil {
		t.Fatal("the server does not say where its profiles are")
	}
	profiles := &person{t: t, at: &process{t: t, addr: at[1]}}
	if status, _ := profiles.do(http.MethodGet, "/debug/pprof/heap", nil, nil); status != http.StatusOK {
		t.Errorf("profiles are answered with %d, want %v", status, http.StatusOK)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at[1]+"/debug/pprof/heap", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host, request.Header = "evil.example", http.Header{"Accept-Language": {"en"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if _ = response.Body.Close(); response.StatusCode != http.StatusNotFound {
		t.Errorf("a page whose name resolves to the server reads profiles: %d, want %v", response.StatusCode, http.StatusNotFound)
	}
	if status, _ := p.do(http.MethodGet, "/debug/pprof/", nil, nil); status != http.StatusNotFound {
		t.Errorf("profiles are where everybody can see them: %d, want %v", status, http.StatusNotFound)
	}
}

// TestExpiredRowsAreDeleted checks that expired outcomes of commands are deleted, except outcomes of commands that move coins.
func TestExpiredRowsAreDeleted(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t).DSN
	env := append([]string{"DATABASE_URL=" + dsn}, sharedSecrets...)
	at := serve(t, env, append([]string{"--data", dataDir(t), "--clean-interval", "100ms", "--keep-outcomes", "1s"}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	anna := join(t, at, "anna")
	live := anna.open("a room")
	anna.topUp(3, 1)
	s := anna.connect("")
	enter(t, s, live, "")
	first := s.must("comment.post", map[string]any{"live": live, "text": "hello"}, "c1")
	given := s.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, "g1")
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	eventually(t, "the comment's key is forgotten", func() bool {
		var keys []string
		if err := conn.QueryRow(t.Context(), "SELECT array_agg(key) FROM command").Scan(&keys); err != nil {
			t.Fatal(err)
		}
		return len(keys) == 1 && keys[0] == "g1"
	})
	if again := s.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, "g1"); string(again.Data) != string(given.Data) {
		t.Errorf("a gift got the reply %s, the repeated gift %s", given.Data, again.Data)
	}
	if again := s.must("comment.post", map[string]any{"live": live, "text": "hello"}, "c1"); string(again.Data) == string(first.Data) {
		t.Errorf("the comment's first outcome is still kept: %s", again.Data)
	}
}
