package cors

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// AllowOrigins returns a middleware that permits browser pages of the given origins to call next: it returns their
// Origin in Access-Control-Allow-Origin and replies to preflight requests. An empty list permits every origin,
// including "null" and "file://", and a preflight request permits every header, because pages of other services send headers
// of their own. This is safe because the server uses no cookies: a page needs a token.
func AllowOrigins(origins []string) func(http.Handler) http.Handler {
	any := len(origins) == 0 || slices.Contains(origins, "*")
	allowed := func(origin string) bool {
		return any || slices.ContainsFunc(origins, func(o string) bool { return strings.EqualFold(o, origin) })
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Add("Vary", "Origin")
			origin := r.Header.Get("Origin")
			if origin != "" && allowed(origin) {
				h.Set("Access-Control-Allow-Origin", origin)
				h.Set("Access-Control-Allow-Credentials", "true")
				h.Set("Access-Control-Expose-Headers", "retry-after, x-request-id")
			}
			if r.Method != http.MethodOptions {
				next.ServeHTTP(w, r)
				return
			}
			if h.Get("Access-Control-Allow-Origin") != "" {
				h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, OPTIONS")
				h.Set("Access-Control-Allow-Headers", cmp.Or(r.Header.Get("Access-Control-Request-Headers"), "token, authorization, content-type"))
				h.Add("Vary", "Access-Control-Request-Headers")
				h.Set("Access-Control-Max-Age", "600")
			}
			w.WriteHeader(http.StatusNoContent)
		})
	}
}
