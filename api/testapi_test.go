package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/api"
	"roomlog/api/password"
	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// testTimeout bounds every wait of a test.
const testTimeout = 20 * time.Second

const tokenSecret = "a secret that is long enough"

// testAPI is an API on a real port, with a log and tables.
type testAPI struct {
	testing.TB
	url       string
	db        *pgtest.DB
	pool      *pgxpool.Pool
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	queries   *projections.Queries
	projector *projections.Projector
	feed      *feed.Feed
	api       *api.API
	log       *logBuffer
	stop      struct{ projector func() }
}

// startAPI starts an API on a fresh database. changes modify its settings first.
func startAPI(t testing.TB, changes ...func(*api.Config)) *testAPI {
	t.Helper()
	return startAPIOn(t, pgtest.New(t), changes...)
}

func startAPIOn(t testing.TB, db *pgtest.DB, changes ...func(*api.Config)) *testAPI {
	t.Helper()
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	d := &testAPI{TB: t, db: db, pool: pool, queries: projections.NewQueries(pool), log: &logBuffer{}}
	log := slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if d.store, err = eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	d.sequencer = eventstore.NewSequencer(d.store, eventstore.SequencerConfig{})
	d.projector = projections.NewProjector(d.store, projections.ProjectorConfig{Now: time.Now})
	d.feed = feed.New(d.store, d.queries, feed.Config{})
	d.start(d.sequencer.Run)
	d.stop.projector = d.start(d.projector.Run)
	d.start(d.feed.Run)
	tokens, err := token.NewIssuer([]string{tokenSecret}, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	admission, err := projections.NewAdmission(projections.AdmissionConfig{Queries: d.queries, Tables: d.feed, Head: d.store.Head, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c := api.Config{
		Store: d.store, Commands: d.sequencer, Queries: d.queries, Feed: d.feed, Admission: admission,
		Tokens: tokens, Signs: scopes{}, Payments: provider(t), Uploads: t.TempDir(), Now: time.Now,
		Log: log, Password: password.Cost{MemoryKiB: 64, Passes: 1}, Settle: testTimeout,
		SignInsPerAddress: 10_000, SignInsPerName: 10_000, RegistrationsPerAddress: 10_000, WritesPerUser: 10_000, UploadsPerUser: 10_000,
	}
	for _, change := range changes {
		change(&c)
	}
	if d.api, err = api.New(c); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(d.api)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10) // a reader that stops is noticed after some kilobytes, not megabytes
		return ctx
	}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(d.api.Drain) // before the server waits for its streams
	d.url = server.URL
	return d
}

// start runs something until the test ends, or until the returned function is called.
func (d *testAPI) start(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			d.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	d.Cleanup(stop)
	return stop
}

// scopes stands for media's signer: what matters here is who gets which.
type scopes struct{}

func (scopes) Publish(key string) string { return "publish-" + key }
func (scopes) Play(key string) string    { return "play-" + key }

// logged is what the door logs.
type logBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// answer is what the door said.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	raw    []byte
}

// envelope is every form an answer can have.
type envelope struct {
	Msg     string          `json:"msg"`
	Data    json.RawMessage `json:"data"`
	Code    domain.Code     `json:"code"`
	TextEN  string          `json:"text_en"`
	Message string          `json:"message"`
}

// ask sends one request; headers are name and value by turns.
func (d *testAPI) send(method, path string, body io.Reader, headers ...string) answer {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.url+path, body)
	if err != nil {
		d.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		d.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		d.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{d, response.StatusCode, response.Header, raw}
}

func (d *testAPI) get(path string, headers ...string) answer {
	d.Helper()
	return d.send(http.MethodGet, path, nil, headers...)
}

// post sends body as JSON, or as it is if it is a string.
func (d *testAPI) post(path string, body any, headers ...string) answer {
	d.Helper()
	text, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		if err != nil {
			d.Fatal(err)
		}
		text = string(b)
	}
	return d.send(http.MethodPost, path, strings.NewReader(text), append([]string{"Content-Type", "application/json"}, headers...)...)
}

// ok reads the data of a success into v.
func (a answer) ok(v any) answer {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("status %d: %s", a.status, a.raw)
	}
	e := a.envelope()
	if e.Msg != "ok" {
		a.t.Fatalf("no success: %s", a.raw)
	}
	if v != nil {
		if err := json.Unmarshal(e.Data, v); err != nil {
			a.t.Fatalf("%v: %s", err, a.raw)
		}
	}
	return a
}

// fails makes sure that an answer is a failure, in exactly the contract's form.
func (a answer) expectFailure(status int, code domain.Code, text string) {
	a.t.Helper()
	e := a.envelope()
	var said string
	_ = json.Unmarshal(e.Data, &said)
	if a.status != status || e.Msg != "fail" || e.Code != code || said != text || e.TextEN == "" {
		a.t.Errorf("got %d %s, want %d %s %q and an English text", a.status, a.raw, status, code, text)
	}
	a.keys("code", "data", "msg", "text_en")
	if kind := a.header.Get("Content-Type"); kind != "application/json" {
		a.t.Errorf("content type %q", kind)
	}
}

func (a answer) envelope() envelope {
	a.t.Helper()
	var e envelope
	if err := json.Unmarshal(a.raw, &e); err != nil {
		a.t.Fatalf("no JSON: %v: %d %.300s", err, a.status, a.raw)
	}
	return e
}

// keys makes sure that a part of the answer has exactly these names. path leads to the part
// by names, and [0] is the first of a list: "data data".
func (a answer) keys(want ...string) { a.t.Helper(); a.keysOf("", want...) }

func (a answer) keysOf(path string, want ...string) {
	a.t.Helper()
	var at any
	if err := json.Unmarshal(a.raw, &at); err != nil {
		a.t.Fatal(err)
	}
	for _, name := range strings.Fields(path) {
		if list, ok := at.([]any); ok && name == "[0]" && len(list) > 0 {
			at = list[0]
			continue
		}
		at = at.(map[string]any)[name]
	}
	object, ok := at.(map[string]any)
	if !ok {
		a.t.Fatalf("%q is no object: %s", path, a.raw)
	}
	var got []string
	for name := range object {
		got = append(got, name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		a.t.Errorf("%q has %v, want %v", path, got, want)
	}
}

// eventually asks again and again until the answer is nil.
func (d *testAPI) eventually(ask func() error) {
	d.Helper()
	deadline := time.Now().Add(testTimeout)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			d.Fatalf("after %v still: %v", testTimeout, err)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func decode(t testing.TB, a answer, v any) {
	t.Helper()
	if err := json.Unmarshal(a.raw, v); err != nil {
		t.Fatalf("%v: %s", err, a.raw)
	}
}
