package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"roomlog/internal/httpserver"
)

// TestRebound checks which requests may come from a page whose name resolves to this server.
func TestRebound(t *testing.T) {
	browser := http.Header{"Accept-Language": {""}}
	for _, c := range []struct {
		host   string
		header http.Header
		want   bool
	}{
		{"evil.example", browser, true},
		{"evil.example:9000", browser, true},
		{"evil.example.", http.Header{"User-Agent": {"Mozilla/5.0"}}, true},
		{"127.0.0.1.evil.example", http.Header{"Sec-Fetch-Site": {"same-origin"}}, true},
		{"live.example.evil.example", http.Header{"Referer": {"http://live.example/"}}, true},
		{"evil.example", http.Header{"Origin": {"null"}}, true},
		{"evil.example", http.Header{"User-Agent": {"Prometheus/3.0"}, "Accept": {"text/plain"}}, false},
		{"roomlog.default.svc:9000", nil, false},
		{"127.0.0.1:9000", browser, false},
		{"[::1]:9000", browser, false},
		{"[::1]", browser, false},
		{"localhost:9000", browser, false},
		{"node1", browser, false},
		{"LIVE.example", browser, false},
		{"live.example.:8443", browser, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Host = c.host
		if c.header != nil {
			r.Header = c.header
		}
		if got := httpserver.Rebound(r, "https://live.example"); got != c.want {
			t.Errorf("%s %v: %v, want %v", c.host, c.header, got, c.want)
		}
	}
}
