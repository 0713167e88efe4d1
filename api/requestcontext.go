package api

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/google/uuid"

	"roomlog/api/token"
	"roomlog/internal/limit"
	"roomlog/projections"
)

// requestContext holds data about a request in addition to its body.
type requestContext struct {
	id             string     // request id, for log messages and for the correlation of events
	addr           netip.Addr // address of the client, not of a trusted proxy
	baseURL        string     // URL under which the client reached this server
	idempotencyKey string
	caller         token.Claims
	tokenError     error // the error of the token; nil for a valid token

	// The access rule of the endpoint sets these fields if it loads them.
	user projections.User
	live projections.Live
}

type requestContextKey struct{}

// requestOf returns the request context in ctx.
func requestOf(ctx context.Context) *requestContext {
	if rc, ok := ctx.Value(requestContextKey{}).(*requestContext); ok {
		return rc
	}
	return &requestContext{tokenError: token.Invalid()}
}

// withoutIdempotencyKey returns ctx without the idempotency key, for further commands of the same request. The key
// belongs to the first command.
func withoutIdempotencyKey(ctx context.Context) context.Context {
	rc := *requestOf(ctx)
	rc.idempotencyKey = ""
	return context.WithValue(ctx, requestContextKey{}, &rc)
}

// withRequestContext is the middleware that adds a requestContext to the context. It refuses no request: endpoints
// that need no token ignore an invalid token.
func (s *server) withRequestContext(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := &requestContext{
			id:             s.requestID(r),
			addr:           s.Proxies.ClientAddr(r),
			baseURL:        s.PublicURL,
			idempotencyKey: r.Header.Get("Idempotency-Key"),
		}
		if rc.baseURL == "" {
			rc.baseURL = baseURL(s.Proxies, r)
		}
		rc.caller, rc.tokenError = s.Tokens.Read(tokenOf(r))
		h := w.Header()
		h.Set("X-Request-Id", rc.id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store") // the default; cacheable responses replace it
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestContextKey{}, rc)))
	})
}

// requestID returns the X-Request-Id that a trusted proxy has set, or a new id.
func (s *server) requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id == "" || len(id) > 64 || !s.Proxies.Contains(limit.Peer(r)) || strings.ContainsFunc(id, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.')
	}) {
		return uuid.NewString()
	}
	return id
}

// tokenOf returns the token of a request from the header token or, if there is none, from Authorization.
func tokenOf(r *http.Request) string {
	if t := r.Header.Get("token"); t != "" {
		return t
	}
	return r.Header.Get("Authorization")
}

// baseURL returns the URL under which the client reached this server: "https://live.example". It reads
// X-Forwarded-Proto and X-Forwarded-Host of trusted proxies.
func baseURL(trusted limit.Proxies, r *http.Request) string {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if trusted.Contains(limit.Peer(r)) {
		if forwarded := r.Header.Get("X-Forwarded-Proto"); forwarded == "http" || forwarded == "https" {
			scheme = forwarded
		}
		if forwarded := r.Header.Get("X-Forwarded-Host"); isPlainHost(forwarded) {
			host = forwarded
		}
	}
	if !isPlainHost(host) {
		host = "localhost"
	}
	return scheme + "://" + host
}

// isPlainHost reports whether s needs no escaping as the host of a URL.
func isPlainHost(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-:[]", r))
	})
}
