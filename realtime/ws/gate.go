package ws

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

const (
	// DefaultMaxConns bounds the connections of a process: at the worst each holds some 400 KiB, in queue and
	// kernel buffers.
	DefaultMaxConns = 20_000
	// DefaultMaxPerAddress is generous, because mobile networks put many people behind one address.
	DefaultMaxPerAddress = 1_000
)

// GateConfig says who may open a connection. Its zero value lets every origin in, with the default limits.
type GateConfig struct {
	// Origins that browsers may come from, as "https://app.example"; "*" or none at all means any. A request
	// without Origin comes from an app, not from a browser, and is let in.
	Origins []string
	// MaxConns and MaxPerAddress are bounds of open connections; 0 means the default, below 0 no limit.
	MaxConns, MaxPerAddress int
	// Address tells the client's address; nil means the other end of the TCP connection.
	Address func(*http.Request) string
}

// Gate decides about a request before it is upgraded, and counts those it let in. Several Sockets may share
// one.
type Gate struct {
	cfg GateConfig

	mu        sync.Mutex
	total     int
	byAddress map[string]int
}

// NewGate makes a gate.
func NewGate(cfg GateConfig) *Gate {
	cfg.MaxConns = withDefault(cfg.MaxConns, DefaultMaxConns)
	cfg.MaxPerAddress = withDefault(cfg.MaxPerAddress, DefaultMaxPerAddress)
	if cfg.Address == nil {
		cfg.Address = func(r *http.Request) string { return r.RemoteAddr }
	}
	return &Gate{cfg: cfg, byAddress: make(map[string]int)}
}

// admit lets a request in and counts it under address, or refuses it.
func (g *Gate) admit(r *http.Request) (address string, no *rejection) {
	if !g.Allows(r.Header.Get("Origin")) {
		return "", &rejection{http.StatusForbidden, "origin_refused", "您没有权限访问该接口!", "this origin may not connect"}
	}
	address = g.Address(r)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.cfg.MaxConns >= 0 && g.total >= g.cfg.MaxConns:
		return "", &rejection{http.StatusServiceUnavailable, "busy", "系统繁忙，请稍后再试", "too many connections"}
	case g.cfg.MaxPerAddress >= 0 && g.byAddress[address] >= g.cfg.MaxPerAddress:
		return "", &rejection{http.StatusTooManyRequests, "too_many_connections", "操作太频繁，请稍后再试", "too many connections from this address"}
	}
	g.total++
	g.byAddress[address]++
	return address, nil
}

// Address is the client's address as it is counted: without the port, and of IPv6 the network.
func (g *Gate) Address(r *http.Request) string { return countedAs(g.cfg.Address(r)) }

// Enter lets a client in, and counts it, that is not going to be a WebSocket connection (yet); leave has to be
// called once when it has gone. Whom it does not let in, it answers.
func (g *Gate) Enter(w http.ResponseWriter, r *http.Request) (leave func(), ok bool) {
	address, no := g.admit(r)
	if no != nil {
		no.write(w)
		return nil, false
	}
	return func() { g.release(address) }, true
}

// release gives back what admit counted.
func (g *Gate) release(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.byAddress[address]--; g.byAddress[address] == 0 {
		delete(g.byAddress, address)
	}
}

// Allows answers whether pages of an origin may come; none at all is an app's.
func (g *Gate) Allows(origin string) bool {
	return origin == "" || len(g.cfg.Origins) == 0 || slices.ContainsFunc(g.cfg.Origins, func(allowed string) bool {
		return allowed == "*" || strings.EqualFold(allowed, origin)
	})
}

// countedAs drops the port, and of an IPv6 address what one customer can choose freely.
func countedAs(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return prefix.String()
}
