package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"roomlog/api/payment"
	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/feed"
)

const testSecret = "a secret that is long enough"

type noSigns struct{}

func (noSigns) Publish(string) string { return "" }
func (noSigns) Play(string) string    { return "" }

func (noSigns) PlayAs(string, int64, time.Time) string { return "" }

func (noSigns) NewPublishKey() (key, hash string) { return "", "" }

// newTestRoutes returns the routes of a server without a database. The routes and their documentation need none.
func newTestRoutes(t *testing.T) *routes {
	t.Helper()
	tokens, err := token.NewIssuer([]string{testSecret}, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	payments, err := payment.NewSharedSecret([]string{testSecret})
	if err != nil {
		t.Fatal(err)
	}
	r, err := newAPI(Config{
		Store: new(eventstore.Store), Commands: new(eventstore.Sequencer), Queries: new(projections.Queries), Feed: new(feed.Feed),
		Admission: new(projections.Admission), Tokens: tokens, Signs: noSigns{}, Payments: payments, Uploads: t.TempDir(), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEveryRouteIsRegistered fails for a route that was added directly to the router. Such a route would have no access
// rule, no rate and no documentation.
func TestEveryRouteIsRegistered(t *testing.T) {
	t.Parallel()
	r := newTestRoutes(t)
	registered := make(map[string]bool)
	for _, e := range r.endpoints {
		registered[e.Method+" "+e.route()] = true
		path := r.huma.OpenAPI().Paths[e.Path]
		if path == nil || e.Method == http.MethodGet && path.Get == nil || e.Method == http.MethodPost && path.Post == nil {
			t.Errorf("%s %s is missing in the OpenAPI document", e.Method, e.Path)
		}
	}
	err := chi.Walk(r.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !registered[method+" "+route] && r.unlimited[route] == "" {
			t.Errorf("%s %s was not registered by serve, serveRaw or serveUnlimited", method, route)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRoutesAreChecked(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]endpoint{
		"without a summary":      get("/x", "", anyone(), rateReads),
		"without an access rule": get("/x", "Read x", access{}, rateReads),
		"without a rate":         get("/x", "Read x", anyone(), 0),
	} {
		if err := (&routes{endpoints: []endpoint{e}}).check(); err == nil || !strings.Contains(err.Error(), "GET /x") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOwnerEndpointsNameALive checks that the inputs of the endpoints with ownerOr are liveInputs.
func TestOwnerEndpointsNameALive(t *testing.T) {
	t.Parallel()
	inputs := map[string]any{"viewers": &viewersInput{}, "comments": &commentsInput{}, "players": &LivePath{ID: 7}}
	for name, in := range inputs {
		if _, ok := in.(liveInput); !ok {
			t.Errorf("%s: %T names no live", name, in)
		}
	}
	if id := inputs["players"].(liveInput).liveID(); id != domain.LiveID(7) {
		t.Errorf("live %d, want 7", id)
	}
}

// contract lists the endpoints that old clients call. These endpoints ignore unknown query parameters.
var contract = []string{
	"GET /api/gift/list", "GET /api/insert", "GET /api/live/list/{page}", "GET /api/live/read/{id}", "GET /api/user/info", "GET /getAllRooms",
	"POST /addRoom", "POST /api/gift/notify", "POST /api/gift/wxpay", "POST /api/live/changestatus", "POST /api/live/create",
	"POST /api/login", "POST /api/logout", "POST /api/reg", "POST /api/upload", "POST /createRoom", "POST /getAllRooms", "POST /login", "POST /validate",
}

// TestUnknownParametersAreRefused sends an unknown parameter to every endpoint that is not in contract.
func TestUnknownParametersAreRefused(t *testing.T) {
	t.Parallel()
	r := newTestRoutes(t)
	var tolerant []string
	for _, e := range r.endpoints {
		if e.lenient {
			tolerant = append(tolerant, e.Method+" "+e.Path)
			continue
		}
		want := "this endpoint has none"
		for _, p := range r.operation(e).Parameters {
			if p.In == "query" {
				want = "this endpoint has " // a list of the parameters follows, which TestCheck of package query checks
			}
		}
		w := httptest.NewRecorder()
		path := strings.NewReplacer("{page}", "1", "{id}", "1").Replace(e.Path)
		r.router.ServeHTTP(w, httptest.NewRequest(e.Method, path+"?since=1", strings.NewReader("{}")))
		text := `there is no query parameter \"since\": ` + want
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s %s: %d %s, want %s", e.Method, path, w.Code, w.Body, text)
		}
	}
	slices.Sort(tolerant)
	if !slices.Equal(tolerant, contract) {
		t.Errorf("these endpoints ignore unknown parameters: %q, want %v", tolerant, contract)
	}
}

// TestUnknownMembersAreRefused sends a body with an unknown member to every endpoint with a JSON body.
func TestUnknownMembersAreRefused(t *testing.T) {
	t.Parallel()
	r := newTestRoutes(t)
	strict := 0
	for _, e := range r.endpoints {
		body := r.operation(e).RequestBody
		if body == nil || body.Content["application/json"] == nil {
			continue
		}
		w := httptest.NewRecorder()
		r.router.ServeHTTP(w, httptest.NewRequest(e.Method, e.Path, strings.NewReader(`{"secs":1}`)))
		if refused := strings.Contains(w.Body.String(), `there is no member \"secs\": the body has `); refused == e.lenient {
			t.Errorf("%s %s: %d %s; ignores unknown members: %v", e.Method, e.Path, w.Code, w.Body, e.lenient)
		} else if refused {
			strict++
			if _, members, _ := strings.Cut(w.Body.String(), "the body has "); strings.HasPrefix(members, ",") || strings.Contains(members, " ,") {
				t.Errorf("%s %s names no member: %s", e.Method, e.Path, w.Body)
			}
		}
	}
	if strict < 8 {
		t.Errorf("%d endpoints refuse unknown members, want at least 8", strict)
	}
}

// TestInvalidNumbersAreExplained checks that texts about numbers contain no names of Go.
func TestInvalidNumbersAreExplained(t *testing.T) {
	t.Parallel()
	r := newTestRoutes(t)
	for body, want := range map[string]string{
		`{"user":4,"seconds":1e30}`:  `"body: seconds cannot be a number 1e30"`,
		`{"user":4,"seconds":1e999}`: `"body: a value cannot be a number 1e999"`,
	} {
		w := httptest.NewRecorder()
		r.router.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/operator/ban", strings.NewReader(body)))
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", body, w.Code, w.Body, want)
		}
	}
}

func TestInvalidParametersAreExplained(t *testing.T) {
	t.Parallel()
	r := newTestRoutes(t)
	for path, want := range map[string]string{
		"/api/live/list/0":                                    "page must be a whole number of at least 1 (got 0)",
		"/api/live/list/x":                                    "page must be a whole number of at least 1 (got x)",
		"/api/live/1/recordings?page=-1":                      "page must be a whole number from 1 to 1000000 (got -1)",
		"/api/coin/history?limit=-1":                          "limit must be a whole number from 1 to 500 (got -1)",
		"/api/coin/history?limit=x":                           "limit must be a whole number from 1 to 500 (got x)",
		"/api/coin/history?user=-1":                           "user must be a whole number of at least 1 (got -1)",
		"/api/coin/history?account=x":                         "account must be one of wallet, earnings (got x)",
		"/api/live/1/viewers?present=x":                       "present must be true or false (got x)",
		"/api/operator/sockets?id=" + strings.Repeat("x", 65): "id must be a text of at most 64 characters (got xxx",
		"/api/coin/history?limit=1&limit=2":                   "limit must be sent at most once (got 2)",
		"/api/coin/history?limit=%zz":                         "the query is malformed",
	} {
		w := httptest.NewRecorder()
		r.router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %q", path, w.Code, w.Body, want)
		}
	}
}
