package api_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
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
	"roomlog/api/apicheck"
	"roomlog/api/password"
	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/logtest"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// testTimeout is the maximum duration of every wait in a test.
const testTimeout = 3 * time.Minute

const tokenSecret = "a secret that is long enough"

// testAPI is an API on a real TCP port, with a log and tables.
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
	log       *logtest.Buffer
	stop      struct{ projector func() }
}

// startAPI starts an API with a new database. The functions in changes modify its settings first.
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
	d := &testAPI{TB: t, db: db, pool: pool, queries: projections.NewQueries(pool), log: &logtest.Buffer{}}
	log := slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if d.store, err = eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	d.sequencer = eventstore.NewSequencer(d.store, eventstore.SequencerConfig{Timeout: testTimeout})
	d.projector = projections.NewProjector(d.store, projections.ProjectorConfig{Now: time.Now})
	d.feed = feed.New(d.store, d.queries, feed.Config{})
	d.queries = d.queries.After(d.feed.UpToDate)
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
		Tokens: tokens, Signs: signs{}, Payments: provider(t), Uploads: t.TempDir(), Now: time.Now,
		Log: log, Password: password.Cost{MemoryKiB: 64, Passes: 1}, Settle: time.Minute,
		SignInsPerAddress: 10_000, WrongPasswordsPerDevice: 10_000, WrongPasswordsPerName: 20_000, RegistrationsPerAddress: 10_000, UploadsPerUser: 10_000,
	}
	for _, change := range changes {
		change(&c)
	}
	if d.api, err = api.New(c); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(apicheck.Handler(d.api, sharedChecker(d.api, c.PublicURL), func(err error) { d.Error(err) }))
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10) // makes a write to a reader that stops reading block after some kilobytes
		return ctx
	}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(d.api.Drain) // runs before the server waits for its streams
	d.url = server.URL
	return d
}

// checkers contains a function that returns the checker of all APIs with the same public URL. The document depends on no other
// setting that a test changes (TestDocumentDependsOnFewSettings). Making and reading it takes longer than most tests.
var checkers sync.Map

func sharedChecker(a *api.API, publicURL string) func() (*apicheck.Checker, error) {
	checker, _ := checkers.LoadOrStore(publicURL, sync.OnceValues(func() (*apicheck.Checker, error) {
		document, err := a.Document()
		if err != nil {
			return nil, err
		}
		return apicheck.New(document)
	}))
	return checker.(func() (*apicheck.Checker, error))
}

// start runs a service until the test ends or stop is called.
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

// signs creates signs that contain their parameters, so that tests can compare them.
type signs struct{}

func (signs) Publish(key string) string { return "publish-" + key }
func (signs) Play(key string) string    { return "play-" + key }

func (signs) PlayAs(key string, user int64, registered time.Time) string {
	return fmt.Sprintf("play-%s-%d-%d", key, user, registered.UnixMicro())
}

func (signs) NewPublishKey() (key, hash string) { return "pk_KEY", strings.Repeat("0", 64) }

// reply is a response whose body was read.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	raw    []byte
}

// envelope has the members of all response envelopes.
type envelope struct {
	Msg     string          `json:"msg"`
	Data    json.RawMessage `json:"data"`
	Code    domain.Code     `json:"code"`
	TextEN  string          `json:"text_en"`
	Message string          `json:"message"`
}

// send sends a request. headers contains names and values in turn.
func (d *testAPI) send(method, path string, body io.Reader, headers ...string) reply {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.url+path, body)
	if err != nil {
		d.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.Host = cmp.Or(r.Header.Get("Host"), r.Host)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		d.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		d.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{d, response.StatusCode, response.Header, raw}
}

func (d *testAPI) get(path string, headers ...string) reply {
	d.Helper()
	return d.send(http.MethodGet, path, nil, headers...)
}

// post sends body as JSON. A string is sent unchanged.
func (d *testAPI) post(path string, body any, headers ...string) reply {
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

// ok requires a successful response and decodes its data into v.
func (a reply) ok(v any) reply {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("status %d: %s, want %v", a.status, a.raw, http.StatusOK)
	}
	e := a.envelope()
	if e.Msg != "ok" {
		a.t.Fatalf(`no success: %s, want e.Msg "ok"`, a.raw)
	}
	if v != nil {
		if err := json.Unmarshal(e.Data, v); err != nil {
			a.t.Fatalf("%v: %s", err, a.raw)
		}
	}
	return a
}

// expectFailure requires a failed response in the form of the wire contract.
func (a reply) expectFailure(status int, code domain.Code, text string) {
	a.t.Helper()
	e := a.envelope()
	var got string
	_ = json.Unmarshal(e.Data, &got)
	if a.status != status || e.Msg != "fail" || e.Code != code || got != text || e.TextEN == "" {
		a.t.Errorf("got %d %s, want %d %s %q and an English text", a.status, a.raw, status, code, text)
	}
	a.keys("code", "data", "msg", "text_en")
	if kind := a.header.Get("Content-Type"); kind != "application/json" {
		a.t.Errorf(`content type %q, want "application/json"`, kind)
	}
}

func (a reply) envelope() envelope {
	a.t.Helper()
	var e envelope
	if err := json.Unmarshal(a.raw, &e); err != nil {
		a.t.Fatalf("no JSON: %v: %d %.300s", err, a.status, a.raw)
	}
	return e
}

// keys requires that the body has exactly these members. keysOf requires it for a part of the body. The path of the
// part consists of names of members, and [0] for the first item of a list: "data [0] user".
func (a reply) keys(want ...string) { a.t.Helper(); a.keysOf("", want...) }

func (a reply) keysOf(path string, want ...string) {
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

// eventually repeats check until it returns nil.
func (d *testAPI) eventually(check func() error) {
	d.Helper()
	deadline := time.Now().Add(testTimeout)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			d.Fatalf("condition not met in %v: %v", testTimeout, err)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func decode(t testing.TB, a reply, v any) {
	t.Helper()
	if err := json.Unmarshal(a.raw, v); err != nil {
		t.Fatalf("%v: %s", err, a.raw)
	}
}
