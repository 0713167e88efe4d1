package ws

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"roomlog/internal/limit"
)

// Limiter decides whether the client of a request may open a connection. Several servers may share one.
type Limiter interface {
	// Admit takes a connection slot for the client of r. It returns the address under which the connections of the
	// client are counted and listed. If status is 0, the client is admitted; slot may be nil. Otherwise status is the
	// HTTP status: 429 if the client has too many connections, 503 if the server has.
	Admit(r *http.Request) (address string, slot *limit.Slot, status int)
}

// Unlimited is a Limiter that admits every request. The address is that of the TCP connection.
type Unlimited struct{}

// Admit returns r.RemoteAddr without its port, and no slot.
func (Unlimited) Admit(r *http.Request) (address string, slot *limit.Slot, status int) {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	return address, nil, 0
}

// Origins are the origins whose pages may connect, such as "https://app.example". If the list is empty or contains "*",
// all pages may.
type Origins []string

// Allow reports whether a request with this Origin header may connect. Apps send no Origin header and may connect.
func (o Origins) Allow(origin string) bool {
	return origin == "" || len(o) == 0 || slices.ContainsFunc(o, func(allowed string) bool {
		return allowed == "*" || strings.EqualFold(allowed, origin)
	})
}
