package main

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// connLimit closes HTTP connections at once that are too many: in all, or from one address that is not a
// trusted proxy. So it bounds what the server holds before anybody has said a word. Connections that have
// become WebSockets count no more: the realtime door has limits of its own.
type connLimit struct {
	most, mostPerAddress int
	proxies              []netip.Prefix

	mu        sync.Mutex
	counted   map[net.Conn]netip.Addr
	byAddress map[netip.Addr]int
}

func newConnLimit(most, mostPerAddress int, proxies []netip.Prefix) *connLimit {
	return &connLimit{most: most, mostPerAddress: mostPerAddress, proxies: proxies,
		counted: make(map[net.Conn]netip.Addr), byAddress: make(map[netip.Addr]int)}
}

// watch is http.Server.ConnState.
func (l *connLimit) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if !l.admit(conn) {
			_ = conn.Close() // whoever is about to read from it finds out
		}
	case http.StateClosed, http.StateHijacked:
		l.release(conn)
	}
}

func (l *connLimit) admit(conn net.Conn) bool {
	address := l.countedAs(conn.RemoteAddr())
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.counted) >= l.most || address.IsValid() && l.byAddress[address] >= l.mostPerAddress {
		return false
	}
	l.counted[conn] = address
	l.byAddress[address]++
	return true
}

func (l *connLimit) release(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	address, ok := l.counted[conn]
	if !ok {
		return
	}
	delete(l.counted, conn)
	if l.byAddress[address]--; l.byAddress[address] == 0 {
		delete(l.byAddress, address)
	}
}

// countedAs is the address of a client, of IPv6 its network; the zero one for a proxy.
func (l *connLimit) countedAs(a net.Addr) netip.Addr {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	address := at.Addr().Unmap().WithZone("")
	for _, proxy := range l.proxies {
		if proxy.Contains(address) {
			return netip.Addr{}
		}
	}
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return address
}

func (l *connLimit) open() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return float64(len(l.counted))
}
