package cors_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"roomlog/api/cors"
)

func TestAllowOrigins(t *testing.T) {
	reached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	ask := func(origins []string, method, origin string) *http.Response {
		r := httptest.NewRequest(method, "/api/login", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", "content-type,token,x-clientid")
		}
		w := httptest.NewRecorder()
		cors.AllowOrigins(origins)(reached).ServeHTTP(w, r)
		return w.Result()
	}
	some := []string{"https://app.example"}
	for name, c := range map[string]struct {
		origins []string
		origin  string
		echoed  bool
	}{
		"any origin":                     {nil, "https://app.example", true},
		"any, by an asterisk":            {[]string{"*"}, "https://app.example", true},
		"the origin of a sandboxed page": {nil, "null", true},
		"the origin of an app":           {nil, "file://", true},
		"no origin":                      {nil, "", false},
		"one that is listed":             {some, "https://app.example", true},
		"one that is not listed":         {some, "https://evil.example", false},
		"null when it is not listed":     {some, "null", false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodOptions} {
				reply := ask(c.origins, method, c.origin)
				want := http.Header{}
				if c.echoed {
					want.Set("Access-Control-Allow-Origin", c.origin)
					want.Set("Access-Control-Allow-Credentials", "true")
				}
				for _, h := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} {
					if got := reply.Header.Get(h); got != want.Get(h) {
						t.Errorf("%s: %s is %q, want %q", method, h, got, want.Get(h))
					}
				}
				if !slices.Contains(reply.Header.Values("Vary"), "Origin") {
					t.Errorf("%s: Vary does not contain Origin", method)
				}
				if reached := reply.StatusCode == http.StatusTeapot; reached != (method == http.MethodGet) {
					t.Errorf("%s: status %d", method, reply.StatusCode)
				}
			}
		})
	}
	t.Run("a preflight permits the requested headers", func(t *testing.T) {
		reply := ask(nil, http.MethodOptions, "https://app.example")
		// Pages send headers of their own, which other servers refused: https://github.com/mrniko/netty-socketio/issues/502,
		// https://github.com/socketio/socket.io/issues/3162
		if headers := reply.Header.Get("Access-Control-Allow-Headers"); headers != "content-type,token,x-clientid" {
			t.Errorf("the headers %q are permitted, want those that were requested", headers)
		}
		if reply.StatusCode != http.StatusNoContent || !strings.Contains(reply.Header.Get("Access-Control-Allow-Methods"), "POST") {
			t.Fatalf("status %d, %v", reply.StatusCode, reply.Header)
		}
	})
}
