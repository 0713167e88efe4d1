package api

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"roomlog/api/token"
	"roomlog/internal/limit"
	"roomlog/projections"
)

// requestContext contains data about a request, in addition to the body.
type requestContext struct {
	id             string     // id of the request, for log messages and for the correlation of events
	addr           netip.Addr // address of the client, not of a trusted proxy
	baseURL        string     // URL under which the client reached this server
	idempotencyKey string
	caller         token.Claims
	tokenError     error  // error of the token; nil if the token is valid
	token          string // token as the client sent it

	// The access rule of the endpoint sets the fields from here on, if it loads them.
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

// withoutIdempotencyKey returns ctx without the idempotency key. Use it for further commands of the same request,
// because the key belongs to the first command, and for endpoints that execute repeated requests.
func withoutIdempotencyKey(ctx context.Context) context.Context {
	rc := *requestOf(ctx)
	rc.idempotencyKey = ""
	return context.WithValue(ctx, requestContextKey{}, &rc)
}

// tokenOf returns the token in the header token or, if there is none, in the header Authorization.
func tokenOf(r *http.Request) string {
	if t := r.Header.Get("token"); t != "" {
		return t
	}
	return r.Header.Get("Authorization")
}

// baseURL returns the URL under which the client reached this server, such as "https://live.example". It uses
// X-Forwarded-Proto and X-Forwarded-Host if a trusted proxy has sent them.
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

// isPlainHost reports whether s can be the host of a URL without escaping.
func isPlainHost(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-:[]", r))
	})
}
