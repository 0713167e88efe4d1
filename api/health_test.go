package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/api/schemas"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/limit"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	var halted, closed atomic.Bool
	var cause atomic.Value
	cause.Store("a secret of the database")
	d := startAPI(t, func(c *api.Config) {
		c.Checks = []api.Check{
			{Name: "database", Run: func(ctx context.Context) (string, error) { _, err := c.Queries.Balance(ctx, 1); return "", err }},
			{Name: "roles", Run: func(context.Context) (string, error) { return "off", nil }},
			{Name: "coins", Run: func(context.Context) (string, error) {
				if closed.Load() {
					return "closed", api.Degraded("coins are closed")
				}
				return "open", nil
			}},
			{Name: "projector", Run: func(context.Context) (string, error) {
				if halted.Load() {
					return "halted at 4711", errors.New(cause.Load().(string))
				}
				return "", nil
			}},
		}
	})
	ready := func(status int, want string) {
		t.Helper()
		got := d.get("/readyz")
		if got.status != status || strings.TrimSpace(string(got.raw)) != want {
			t.Errorf("%d %s, want %d %s", got.status, got.raw, status, want)
		}
	}
	if got := d.get("/healthz"); got.status != 200 || strings.TrimSpace(string(got.raw)) != `{"status":"ok"}` {
		t.Errorf("got %d %s", got.status, got.raw)
	}
	ready(200, `{"status":"ready","checks":{"coins":"open","database":"ok","projector":"ok","roles":"off"}}`)
	closed.Store(true)
	ready(200, `{"status":"degraded","causes":["coins are closed"],"checks":{"coins":"closed","database":"ok","projector":"ok","roles":"off"}}`)
	closed.Store(false)
	halted.Store(true)
	ready(503, `{"status":"not ready","checks":{"coins":"open","database":"ok","projector":"halted at 4711","roles":"off"}}`)
	ready(503, `{"status":"not ready","checks":{"coins":"open","database":"ok","projector":"halted at 4711","roles":"off"}}`)
	if n := d.log.Count("a secret of the database"); n != 1 {
		t.Errorf("the cause of two failures in a row is logged %d times, want 1", n)
	}
	for _, next := range []string{"another secret", "another secret", "a secret of the database"} {
		cause.Store(next)
		ready(503, `{"status":"not ready","checks":{"coins":"open","database":"ok","projector":"halted at 4711","roles":"off"}}`)
	}
	if n, again := d.log.Count("another secret"), d.log.Count("a secret of the database"); n != 1 || again != 2 {
		t.Errorf("a cause that changes is logged %d times, and again %d times, want 1 and 2", n, again)
	}
	halted.Store(false)
	ready(200, `{"status":"ready","checks":{"coins":"open","database":"ok","projector":"ok","roles":"off"}}`)
	if n := d.log.Count("readiness check succeeded again"); n != 1 {
		t.Errorf("the end of the failures is logged %d times, want 1", n)
	}
	d.pool.Close()
	ready(503, `{"status":"not ready","checks":{"coins":"open","database":"failing","projector":"ok","roles":"off"}}`)
	if got := d.get("/healthz"); got.status != 200 {
		t.Errorf("%d: want 200 while the process runs", got.status)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	d.get("/api/live/list/1")
	d.get("/api/live/list/2")
	d.get("/nothing/like/it")
	d.send("BREW", "/nothing/like/it", nil)
	text := string(d.get("/metrics").raw)
	for _, want := range []string{
		`roomlog_http_requests_total{method="GET",route="/api/live/list/{page}",status="200"} 2`,
		`roomlog_http_requests_total{method="GET",route="none",status="404"} 1`,
		`roomlog_http_requests_total{method="other",route="none",status="405"} 1`,
		`roomlog_http_request_seconds_count{method="GET",route="/api/live/list/{page}"} 2`,
		"roomlog_http_requests_in_flight 1", "roomlog_event_streams 0",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(text, "nothing") {
		t.Error("a path became a label")
	}
}

func TestMetricsAccess(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	here := startAPIOn(t, db)
	if a := here.get("/metrics"); a.status != http.StatusOK {
		t.Errorf("loopback: %d, want %v", a.status, http.StatusOK)
	}
	here.get("/metrics", "X-Forwarded-For", "203.0.113.9").expectFailure(http.StatusNotFound, "no_such_endpoint", "接口不存在")
	from, err := limit.ParseProxies([]string{"203.0.113.0/24"})
	if err != nil {
		t.Fatal(err)
	}
	here.get("/metrics", "Host", "evil.example:9000", "Accept-Language", "en").expectFailure(http.StatusNotFound, "no_such_endpoint", "接口不存在")
	for _, headers := range [][]string{
		{"Host", "roomlog.default.svc:9000"}, {"Host", "localhost:9000", "Accept-Language", "en"}, {"Accept-Language", "en"},
	} {
		if a := here.get("/metrics", headers...); a.status != http.StatusOK {
			t.Errorf("%q: %d, want %v", headers, a.status, http.StatusOK)
		}
	}
	d := startAPIOn(t, db, func(c *api.Config) { c.MetricsFrom = from })
	if a := d.get("/metrics", "X-Forwarded-For", "203.0.113.9"); a.status != http.StatusOK {
		t.Errorf("allowed address: %d, want %v", a.status, http.StatusOK)
	}
	d.get("/metrics").expectFailure(http.StatusNotFound, "no_such_endpoint", "接口不存在")
}

// TestNoCORSOnOwnPaths checks the paths that depend on the address of the client or on the rights of an operator. A
// page of another origin must not be able to read them through a browser.
func TestNoCORSOnOwnPaths(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	own := 0
	for path, shared := range map[string]bool{
		"/metrics": false, "/api/operator/sockets": false, "/api/operator/kick": false, "/api/operator/ban": false,
		"/api/operator/unban": false, "/api/streams/kick": false, "/api/gift/list": true, "/healthz": true, "/docs": true, "/no/such": true,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			got := d.send(method, path, nil, "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
			for name := range got.header {
				if strings.HasPrefix(name, "Access-Control-") && !shared {
					t.Errorf("%s %s: %s is sent to another origin", method, path, name)
				}
			}
			if shared && got.header.Get("Access-Control-Allow-Origin") == "" {
				t.Errorf("%s %s: no CORS", method, path)
			}
		}
	}
	var document struct {
		Paths map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(d.get("/openapi.json").raw, &document); err != nil {
		t.Fatal(err)
	}
	for path := range document.Paths {
		if strings.HasPrefix(path, "/api/operator/") {
			own++
			if got := d.send(http.MethodOptions, path, nil, "Origin", "https://evil.example"); got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: CORS on a path of operators", path)
			}
		}
	}
	if own == 0 {
		t.Error("no path of operators was found")
	}
}

// TestMetricsBehindAProxy checks that a client is never mistaken for the proxy, in whatever form the proxy reports the
// client's address.
func TestMetricsBehindAProxy(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	for _, forwarded := range []string{"203.0.113.9:44321", "[2001:db8::1]:443", "203.0.113.9:x", "unknown", "_hidden", "for=127.0.0.1",
		"127.0.0.1, 203.0.113.9:44321", "127.0.0.1 203.0.113.9", "localhost", "127.0.0.1:x", "x, 127.0.0.1"} {
		if got := d.get("/metrics", "X-Forwarded-For", forwarded); got.status != http.StatusNotFound {
			t.Errorf("X-Forwarded-For %q reads the metrics: %d, want %v", forwarded, got.status, http.StatusNotFound)
		}
	}
}

// checkedByHandler contains the GET calls with data of a live whose access rule does not restrict them to the owner of the live
// and roles, with what protects the data.
var checkedByHandler = map[string]string{
	"/api/live/read/{id}":            "checkRestricted in readLive",
	"/api/live/{id}/access":          "everybody may read it: it contains why the caller may not be in the live",
	"/api/live/{id}/acts":            "listActs: others receive only acts that concern them",
	"/api/live/{id}/recordings":      "checkRestricted in listRecordings",
	"/api/live/{id}/replay/comments": "checkRestricted in replayedLive",
	"/api/live/{id}/replay/gifts":    "checkRestricted in replayedLive",
	"/api/live/{id}/reports":         "listReports refuses those who do not moderate the live",
	"/api/live/{id}/review":          "listHeld: others receive only comments that they have written",
	"/api/live/{id}/words":           "moderatorOf, the access rule",
}

// TestDocumentDependsOnFewSettings checks that the OpenAPI document is the same with other settings, except for the public URL.
// Tests that compare responses with the document therefore share one (sharedChecker, and checkers in cmd/roomlog).
func TestDocumentDependsOnFewSettings(t *testing.T) {
	t.Parallel()
	document := func(change func(*api.Config)) string {
		t.Helper()
		text, err := startAPI(t, change).api.Document()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	usual := document(func(*api.Config) {})
	other := document(func(c *api.Config) {
		config := reflect.ValueOf(c).Elem()
		for i := range config.NumField() {
			field, least := config.Field(i), config.Type().Field(i).Tag.Get("min")
			switch field.Kind() {
			case reflect.Bool:
				field.SetBool(true)
			case reflect.Int, reflect.Int64:
				if d, err := time.ParseDuration(least); err == nil {
					field.SetInt(2 * int64(d))
				} else if n, err := strconv.ParseInt(least, 10, 64); err == nil {
					field.SetInt(2 * n)
				}
			}
		}
		c.TimeZone, c.MediaURL, c.RTMPPort, c.CORSOrigins = "UTC", "https://media.example", "1935", []string{"https://page.example"}
		c.WrongPasswordsPerName = 2 * c.WrongPasswordsPerDevice
		c.AsyncAPI = func() []byte { return []byte("{}") }
	})
	if usual != other {
		t.Error("the document depends on a setting: tests may not share it")
	}
	if published := document(func(c *api.Config) { c.PublicURL = "https://live.example" }); published == usual {
		t.Error("the document does not contain the public URL")
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	reply := d.get("/openapi.json")
	var spec struct {
		OpenAPI string
		Servers []struct{ URL string }
		Tags    []struct{ Name, Description string }
		Paths   map[string]map[string]struct {
			Summary     string
			Description string
			Tags        []string
			RequestBody *struct {
				Content map[string]struct{ Schema any }
			}
			Responses map[string]struct {
				Content map[string]struct {
					Example  any
					Examples map[string]struct{ Value any }
				}
			}
			Security []map[string]any
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(reply.raw, &spec); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(spec.OpenAPI, "3.1") {
		t.Errorf("version %q", spec.OpenAPI)
	}
	if len(spec.Servers) != 1 || spec.Servers[0].URL != "/" {
		t.Errorf("the servers are %+v, want the one that serves the document", spec.Servers)
	}
	signed := map[string]bool{
		"post /api/reg": false, "post /api/login": false, "post /api/logout": true, "get /api/user/info": true, "put /api/user/profile": true, "post /api/live/create": true,
		"post /api/live/ban": true, "post /api/live/unban": true, "get /api/operator/sockets": true, "get /api/operator/users": true, "post /api/operator/kick": true,
		"post /api/live/mute": true, "post /api/live/unmute": true, "post /api/live/mode": true, "post /api/live/moderator/appoint": true, "post /api/live/moderator/remove": true,
		"post /api/live/comment/remove": true, "post /api/live/comment/clear": true, "get /api/live/{id}/acts": true,
		"post /api/live/words/add": true, "post /api/live/words/remove": true, "get /api/live/{id}/words": true, "get /api/operator/words": true,
		"post /api/operator/ban": true, "post /api/operator/correction": true, "post /api/operator/correction/approve": true, "post /api/operator/correction/reject": true, "get /api/operator/corrections": true, "post /api/operator/share": true, "post /api/operator/payout": true, "post /api/operator/payout/capture": true, "post /api/operator/payout/void": true, "get /api/share": true, "get /api/share/rules": true, "get /api/payouts": true, "get /api/ledger/settlement": true, "post /api/operator/unban": true,
		"get /api/operator/webhooks": true, "post /api/operator/webhook": true, "post /api/operator/webhook/change": true, "post /api/operator/webhook/remove": true, "post /api/operator/webhook/replay": true, "get /api/operator/webhook/{id}/secrets": true, "get /api/operator/webhook/{id}/dead": true, "post /api/operator/webhook/retry": true,
		"post /api/live/changestatus": true, "get /api/live/list/{page}": false, "get /api/live/read/{id}": false, "get /api/gift/list": false,
		"get /api/live/find": false, "get /api/user/roles": true, "post /api/gift/testpay": true,
		"post /api/live/report": true, "post /api/live/report/claim": true, "post /api/live/report/decide": true, "get /api/live/{id}/reports": true, "get /api/operator/reports": true,
		"get /api/live/{id}/review": true, "post /api/live/comment/release": true, "post /api/live/comment/drop": true, "post /api/live/warn": true,
		"post /api/live/access": true, "get /api/live/{id}/access": false, "post /api/live/enter": true, "post /api/live/invitation/create": true, "post /api/live/invitation/revoke": true, "get /api/live/{id}/invitations": true,
		"post /api/live/min_age": true, "post /api/live/ticket/buy": true, "post /api/live/ticket/refund": true, "post /api/live/ticket/refund_all": true, "get /api/live/{id}/tickets": true, "get /api/live/{id}/tickets/sums": true, "get /api/user/tickets": true,
		"post /api/user/follow": true, "post /api/user/unfollow": true, "get /api/user/following": true, "get /api/user/followers": true, "get /api/user/{id}/followers": false,
		"post /api/gift/wxpay": true, "post /api/gift/refund": true, "post /api/gift/notify": false, "post /api/upload": true, "get /api/events": true,
		"get /api/coin/history": true, "get /api/ledger/balance": true, "get /api/ledger/statement": true, "get /api/ledger/reconciliation": true, "get /api/insert": true, "get /api/gift/history": true, "get /api/live/{id}/viewers": true, "get /api/live/{id}/comments": true, "get /api/live/{id}/at": true,
		"post /api/live/publish_key": true, "post /api/live/publish_key/revoke": true, "get /api/live/{id}/publish_key": true,
		"post /api/live/restream": true, "post /api/live/restream/remove": true, "get /api/live/{id}/restreams": true,
		"post /api/live/record": true, "get /api/live/{id}/recordings": false, "get /api/live/{id}/replay/comments": false, "get /api/live/{id}/replay/gifts": false, "post /api/live/recording/delete": true,
		"get /api/streams": true, "get /api/streams/{id}/players": true, "post /api/streams/kick": true,
		"post /login": false, "post /validate": false, "post /createRoom": false, "post /addRoom": false, "get /getAllRooms": false, "post /getAllRooms": false,
		"get /tlog/checkpoint": false, "get /tlog/tile/{level}/{path}": false, "get /tlog/witnesses": false, "post /tlog/cosignature": false, "get /api/gift/{position}/proof": true, "get /api/coin/{position}/proof": true, "get /api/gift/{position}/delivery": true, "get /api/live/{id}/deliveries": true,
		"get /healthz": false, "get /readyz": false, "get /metrics": false, "get /uploads/{name}": false,
		"get /schemas/": false, "get /schemas/{file}": false,
	}
	seen := 0
	for path, methods := range spec.Paths {
		for method, op := range methods {
			seen++
			needs, known := signed[method+" "+path]
			switch has := len(op.Security) > 0; {
			case !known:
				t.Errorf("%s %s is new: add %q: %v to signed in api/health_test.go (whether it needs a token)", method, path, method+" "+path, has)
			case has != needs:
				t.Errorf("%s %s needs a token: %v, but signed in api/health_test.go says %v: correct the access rule in api/router.go, or signed", method, path, has, needs)
			}
			if method == "get" && strings.HasPrefix(path, "/api/live/") && strings.Contains(path, "{id}") {
				byRule := strings.Contains(op.Description, "Needs the owner of the live")
				check := checkedByHandler[path]
				switch {
				case !byRule && check == "":
					t.Errorf("%s returns data of a live, and its access rule does not check who may have them: pass ownerOr in api/router.go, or check in the handler who may be in the live (checkRestricted, docs/ACCESS.md) and add the path with this check to checkedByHandler in api/health_test.go", path)
				case byRule && check != "":
					t.Errorf("%s has the access rule ownerOr: remove it from checkedByHandler in api/health_test.go", path)
				}
			}
			service := slices.Contains([]string{"/healthz", "/readyz", "/metrics", "/uploads/{name}", schemas.Path, schemas.Path + "{file}"}, path)
			if op.Summary == "" || len(op.Tags) != 1 || len(op.Responses["200"].Content) == 0 || !service && len(op.Responses["500"].Content) == 0 {
				t.Errorf("%s %s is incomplete", method, path)
			}
			if !slices.ContainsFunc(spec.Tags, func(tag struct{ Name, Description string }) bool {
				return tag.Name == op.Tags[0] && tag.Description != ""
			}) {
				t.Errorf("%s %s has the tag %v, which the document does not declare", method, path, op.Tags)
			}
			for status, response := range op.Responses {
				for kind, content := range response.Content {
					if status[0] == '4' && content.Example == nil && len(content.Examples) == 0 {
						t.Errorf("%s %s has no example of %s for status %s", method, path, kind, status)
					}
				}
			}
			if body := op.RequestBody; body != nil && body.Content["application/json"].Schema != nil && !reflect.DeepEqual(body.Content["application/json"].Schema, body.Content["application/x-www-form-urlencoded"].Schema) {
				t.Errorf("%s %s describes no form", method, path)
			}
			if method == "post" && op.RequestBody == nil && path != "/api/logout" {
				t.Errorf("%s %s has no body", method, path)
			}
		}
	}
	for operation := range signed {
		method, path, _ := strings.Cut(operation, " ")
		if _, has := spec.Paths[path][method]; !has {
			t.Errorf("the document does not contain %s: register it in api/router.go, or remove it from signed in api/health_test.go", operation)
		}
	}
	if seen != len(signed) {
		t.Errorf("%d operations, want %d: the entries of signed in api/health_test.go", seen, len(signed))
	}
	if _, ok := spec.Components.Schemas["Failure"].Properties["text_en"]; !ok {
		t.Errorf("failures are not described: %v", spec.Components.Schemas["Failure"])
	}
	if strings.Contains(string(reply.raw), "$schema") || strings.Contains(string(reply.raw), "ErrorModel") {
		t.Error("the document has schemas of huma")
	}
	if strings.Contains(string(d.get("/api/live/list/1").raw), "$schema") {
		t.Error("huma adds members to responses")
	}
}
