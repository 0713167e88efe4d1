package serve

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// connLimit closes new HTTP connections that exceed a limit: in total, or from one address that is not a trusted proxy.
// It bounds what the server allocates before a request arrives. Connections that became WebSockets are not counted,
// because the realtime server has limits of its own.
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

// watch is a http.Server.ConnState function.
func (l *connLimit) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if !l.acquire(conn) {
			_ = conn.Close() // the read of the request fails
		}
	case http.StateClosed, http.StateHijacked:
		l.release(conn)
	}
}

func (l *connLimit) acquire(conn net.Conn) bool {
	address := l.key(conn.RemoteAddr())
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

// key returns the address under which a connection is counted: the /64 network of an IPv6 address, the zero address for
// a trusted proxy.
func (l *connLimit) key(a net.Addr) netip.Addr {
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
