package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
)

const textBusy = "系统繁忙，请稍后再试"

func (a reply) busy() {
	a.t.Helper()
	a.expectFailure(503, domain.CodeBusy, textBusy)
	if a.header.Get("Retry-After") == "" {
		a.t.Error("no Retry-After")
	}
}

// TestReadsOwnWrites checks that a client finds its change in every list as soon as it has the response.
func TestReadsOwnWrites(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			a := d.account(fmt.Sprintf("person %d", i))
			a.get("/api/user/info").ok(nil)
			for range 5 {
				var got signedForm
				id := a.onAir("t")
				a.get(fmt.Sprintf("/api/live/read/%d", id)).ok(&got)
				if got.Data.Status != 1 {
					t.Errorf("live %d has status %d, want 1", id, got.Data.Status)
				}
			}
		})
	}
	all.Wait()
}

// TestTablesBehind stops the projector. Commands still succeed, because the log decides them. Requests that need newer
// tables return 503.
func TestTablesBehind(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.Settle = 30 * time.Millisecond })
	d.post("/api/reg", object{"username": "alice", "password": testPassword, "repassword": testPassword}).ok(nil)
	d.eventually(func() error {
		if d.position() < 2 {
			return fmt.Errorf("the tables are at %d", d.position())
		}
		return nil
	})
	d.stop.projector()
	a := d.signIn("alice")
	a.get("/api/user/info").busy()
	a.get("/api/coin/history").busy()
	a.upload("a.png", "image/png", smallImage(t, "png")).busy()
	id := a.live("made meanwhile")
	a.post("/api/live/changestatus", object{"id": id, "type": "play"}).ok(nil)
	d.get(fmt.Sprintf("/api/live/read/%d", id)).expectFailure(404, domain.CodeLiveNotFound, "当前直播间不存在")
	d.start(projections.NewProjector(d.store, projections.ProjectorConfig{Now: time.Now}).Run)
	d.eventually(func() error {
		if got := a.get("/api/user/info"); got.status != 200 {
			return fmt.Errorf("%d %s", got.status, got.raw)
		}
		return nil
	})
	a.get(fmt.Sprintf("/api/live/read/%d", id)).ok(nil)
}

// TestSignInWhileTablesAreBehind checks that nobody is told that a password is wrong because the tables lack the account. The response
// does not show whether they contain it.
func TestSignInWhileTablesAreBehind(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.Settle = 30 * time.Millisecond })
	register := func(name string) {
		d.post("/api/reg", object{"username": name, "password": testPassword, "repassword": testPassword}).ok(nil)
	}
	signIn := func(name, guess string) reply {
		return d.post("/api/login", object{"username": name, "password": guess})
	}
	register("alice")
	d.eventually(func() error {
		if got := signIn("alice", testPassword); got.status != 200 {
			return fmt.Errorf("%d %s", got.status, got.raw)
		}
		return nil
	})
	d.stop.projector()
	register("newcomer")
	signIn("newcomer", testPassword).busy()
	signIn("alice", testPassword+"x").busy()
	signIn("nobody", testPassword).busy()
	signIn("alice", testPassword).ok(nil)
	d.start(projections.NewProjector(d.store, projections.ProjectorConfig{Now: time.Now}).Run)
	d.eventually(func() error {
		if got := signIn("newcomer", testPassword); got.status != 200 {
			return fmt.Errorf("%d %s", got.status, got.raw)
		}
		return nil
	})
	for _, name := range []string{"alice", "newcomer", "nobody"} {
		d.signInUnlessBusy(name, testPassword+"x").expectFailure(400, "credentials_wrong", "用户名或密码错误")
	}
}

// signInUnlessBusy sends a sign-in until the tables are not behind the log, and returns the response.
func (d *testAPI) signInUnlessBusy(name, guess string) (got reply) {
	d.Helper()
	d.eventually(func() error {
		if got = d.post("/api/login", object{"username": name, "password": guess}); got.status == http.StatusServiceUnavailable {
			return fmt.Errorf("%d %s", got.status, got.raw)
		}
		return nil
	})
	return got
}

// TestBusySignInsAreNoWrongPasswords checks that a newcomer who repeats a sign-in while the tables lack the account is not told that too
// many passwords were wrong, and that the same holds for the other users, so that the response does not show who has an account.
func TestBusySignInsAreNoWrongPasswords(t *testing.T) {
	t.Parallel()
	d := startAPI(t, frozenClock, func(c *api.Config) {
		c.Settle, c.WrongPasswordsPerDevice, c.WrongPasswordsPerName = 30*time.Millisecond, 2, 4
	})
	d.post("/api/reg", object{"username": "alice", "password": testPassword, "repassword": testPassword}).ok(nil)
	d.signInUnlessBusy("alice", testPassword).ok(nil)
	d.stop.projector()
	d.post("/api/reg", object{"username": "newcomer", "password": testPassword, "repassword": testPassword}).ok(nil)
	guesses := map[string]string{"newcomer": testPassword, "alice": testPassword + "x", "nobody": testPassword}
	for name, guess := range guesses {
		for range 5 {
			d.post("/api/login", object{"username": name, "password": guess}).busy()
		}
	}
	d.start(projections.NewProjector(d.store, projections.ProjectorConfig{Now: time.Now}).Run)
	d.signInUnlessBusy("newcomer", testPassword).ok(nil)
	for name := range guesses {
		for range 2 {
			d.signInUnlessBusy(name, testPassword+"x").expectFailure(400, "credentials_wrong", "用户名或密码错误")
		}
		d.signInUnlessBusy(name, testPassword+"x").expectFailure(429, domain.CodeRateLimited, "操作太频繁，请稍后再试")
	}
}

// frozenClock stops the clock of the API, so that limits do not recover during a test.
func frozenClock(c *api.Config) {
	now := time.Now()
	c.Now = func() time.Time { return now }
	c.BodyTimeout, c.UploadTimeout = 10*time.Minute, 10*time.Minute // both timeouts are longer than the test and start now
}

// observedFeed is a feed that calls a function before each wait for the tables.
type observedFeed struct {
	api.Feed
	before *atomic.Pointer[func()] // nil: nothing is called
}

func (f observedFeed) WaitFor(ctx context.Context, position int64) error {
	if before := f.before.Load(); before != nil {
		(*before)()
	}
	return f.Feed.WaitFor(ctx, position)
}

// TestSignInReadsTheAccountAgain checks that a sign-in succeeds with the password that the tables contain only after it has waited for
// them, and that it then does not count as a wrong one.
func TestSignInReadsTheAccountAgain(t *testing.T) {
	t.Parallel()
	var before atomic.Pointer[func()]
	d := startAPI(t, frozenClock, func(c *api.Config) {
		c.Feed = observedFeed{c.Feed, &before}
		c.WrongPasswordsPerDevice, c.WrongPasswordsPerName = 1, 2
	})
	const newest = "battery staple"
	d.account("alice")
	d.post("/api/reg", object{"username": "bob", "password": newest, "repassword": newest}).ok(nil)
	change := func() {
		const give = `UPDATE read.user_account a SET credential = b.credential FROM read.user_account b
			WHERE a.username = 'alice' AND b.username = 'bob'`
		_, err := d.db.Owner.Exec(context.WithoutCancel(t.Context()), give)
		if err != nil {
			t.Error(err)
		}
	}
	before.Store(&change)
	d.post("/api/login", object{"username": "alice", "password": newest}).ok(nil)
	before.Store(nil)
	d.post("/api/login", object{"username": "alice", "password": testPassword}).expectFailure(400, "credentials_wrong", "用户名或密码错误")
	d.post("/api/login", object{"username": "alice", "password": testPassword}).expectFailure(429, domain.CodeRateLimited, "操作太频繁，请稍后再试")
}

// TestDisconnectedSignInsCount checks that a client cannot guess without limit by disconnecting while the tables are behind the log.
func TestDisconnectedSignInsCount(t *testing.T) {
	t.Parallel()
	var before atomic.Pointer[func()]
	d := startAPI(t, frozenClock, func(c *api.Config) {
		c.Feed = observedFeed{c.Feed, &before}
		c.WrongPasswordsPerDevice, c.WrongPasswordsPerName = 1, 2
	})
	d.account("alice")
	d.stop.projector()
	bob := domain.RegisterUser{Username: "bob", NameKey: d.store.NameKey("bob"), Credential: "c"}
	if _, err := d.sequencer.Execute(t.Context(), domain.Request{Command: bob}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alice", "nobody"} {
		ctx, disconnect := context.WithCancel(t.Context())
		stop := func() { disconnect() }
		before.Store(&stop)
		body := fmt.Sprintf(`{"username":%q,"password":%q}`, name, testPassword+"x")
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/login", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = "127.0.0.1:1"
		d.api.ServeHTTP(httptest.NewRecorder(), r)
		if ctx.Err() == nil {
			t.Errorf("%s: the sign-in did not wait for the tables", name)
		}
		before.Store(nil)
		disconnect()
		d.post("/api/login", object{"username": name, "password": testPassword}).expectFailure(429, domain.CodeRateLimited, "操作太频繁，请稍后再试")
	}
}

// tokenFor returns a token that this API did not issue, signed with its secret.
func tokenFor(t testing.TB, user domain.UserID, session string) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": fmt.Sprint(user), "sid": session, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(tokenSecret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestBusy checks that a command is refused immediately if the queue is full, and that a waiting command times out.
func TestBusy(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) {
		c.Commands = eventstore.NewSequencer(c.Store, eventstore.SequencerConfig{QueueSize: 1}) // a sequencer that does not run
		c.RequestTimeout = time.Second
	})
	session := "s"
	registered := d.execute(domain.Request{Command: domain.RegisterUser{Username: "alice", NameKey: d.store.NameKey("alice"), Credential: "c"}})
	user := registered.Events[0].Event.(domain.UserRegistered).User
	d.execute(domain.Request{Command: domain.SignIn{User: user, Session: session}})
	a := account{testAPI: d, ID: user, Token: tokenFor(t, user, session)}
	create := func() (overloaded bool) {
		response := a.post("/api/live/create", object{"title": "t", "cover": ""})
		response.busy()
		return strings.Contains(response.envelope().TextEN, "overloaded")
	}
	if create() {
		t.Error("the first request is refused because the queue is full, want a timeout")
	}
	d.eventually(func() error { // on a slow machine, the first request may have timed out before it was in the queue
		if !create() {
			return errors.New("the queue is not full")
		}
		return nil
	})
}

// TestDatabaseUnavailable stops PostgreSQL. Requests must fail within their timeout, and succeed after PostgreSQL is
// started again.
func TestDatabaseUnavailable(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	d := startAPIOn(t, server.Open(), func(c *api.Config) { c.RequestTimeout = 8 * time.Second })
	a := d.account("alice")
	server.Stop()
	a.get("/api/live/list/1").busy()
	a.get("/api/user/info").busy()
	a.post("/api/live/create", object{"title": "t", "cover": ""}).busy()
	d.post("/api/login", object{"username": "alice", "password": testPassword}).busy()
	server.Start()
	d.eventually(func() error {
		if got := a.post("/api/live/create", object{"title": "t", "cover": ""}); got.status != 200 {
			return fmt.Errorf("%d %s", got.status, got.raw)
		}
		return nil
	})
	a.get("/api/user/info").ok(nil)
}

func TestSlowDatabase(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.RequestTimeout = 200 * time.Millisecond })
	tx, err := d.db.Owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), "LOCK TABLE read.live IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	d.get("/api/live/list/1").busy()
}

func TestInternalErrors(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) {
		c.Checks = []api.Check{{Name: "x", Run: func(context.Context) (string, error) { panic("a secret of the program") }}}
	})
	t.Run("do not reveal their cause", func(t *testing.T) {
		d.db.Owner.Exec(t.Context(), "ALTER TABLE read.live RENAME TO elsewhere")
		got := d.get("/api/live/list/1")
		got.expectFailure(500, "internal", textBusy)
		if strings.Contains(string(got.raw), "relation") || !strings.Contains(d.log.String(), "relation") {
			t.Errorf("the cause must be in the log only: %s", got.raw)
		}
	})
	t.Run("do not end the process", func(t *testing.T) {
		got := d.get("/readyz")
		got.expectFailure(500, "internal", textBusy)
		if strings.Contains(string(got.raw), "secret") || !strings.Contains(d.log.String(), "a secret of the program") {
			t.Errorf("the cause must be in the log only: %s", got.raw)
		}
		d.get("/healthz")
	})
}

func TestNewRefusesInvalidConfigs(t *testing.T) {
	t.Parallel()
	var good api.Config
	taken := prometheus.NewRegistry()
	startAPI(t, func(c *api.Config) { c.Metrics = taken; good = *c })
	good.Metrics = nil
	for name, spoil := range map[string]func(*api.Config){
		"no store":                            func(c *api.Config) { c.Store = nil },
		"no tokens":                           func(c *api.Config) { c.Tokens = nil },
		"no clock":                            func(c *api.Config) { c.Now = nil },
		"no folder":                           func(c *api.Config) { c.Uploads = "" },
		"a folder that is a file":             func(c *api.Config) { c.Uploads = "doc.go" },
		"a URL without http":                  func(c *api.Config) { c.PublicURL = "live.example" },
		"a file URL":                          func(c *api.Config) { c.PublicURL = "file:///x" },
		"metrics that are registered already": func(c *api.Config) { c.Metrics = taken },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			spoil(&c)
			if _, err := api.New(c); err == nil {
				t.Fatal("accepted")
			}
		})
	}
}
