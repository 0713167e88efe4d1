package serve

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestRedirectTargets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		host, public string
		port         int
		want         string
	}{
		{"live.example", "", 443, "https://live.example/a?b=c"},
		{"live.example:8080", "", 443, "https://live.example/a?b=c"},
		{"live.example:8080", "", 8443, "https://live.example:8443/a?b=c"},
		{"[2001:db8::1]:8080", "", 443, "https://[2001:db8::1]/a?b=c"},
		{"[2001:db8::1]", "", 443, "https://[2001:db8::1]/a?b=c"},
		{"[2001:db8::1]", "", 8443, "https://[2001:db8::1]:8443/a?b=c"},
		{"10.0.0.7:8080", "https://live.example/", 8443, "https://live.example/a?b=c"},
		{"10.0.0.7:8080", "HTTPS://live.example:444", 8443, "HTTPS://live.example:444/a?b=c"},
		{"10.0.0.7:8080", "http://live.example", 8443, "https://10.0.0.7:8443/a?b=c"},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/a?b=c", nil)
		r.Host = test.host
		redirect(nil, &net.TCPAddr{Port: test.port}, test.public).ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != test.want || w.Code != http.StatusPermanentRedirect {
			t.Errorf("%+v leads to %q, %d", test, got, w.Code)
		}
	}
}
