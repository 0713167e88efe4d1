package media

import (
	"net"
	"net/netip"
	"sync"
)

// seats counts connections, in all and by address. A seat that was taken is given back once.
type seats struct {
	all, each int

	mu        sync.Mutex
	taken     int
	byAddress map[string]int
}

func newSeats(all, each int) *seats {
	return &seats{all: all, each: each, byAddress: make(map[string]int)}
}

// take takes a seat for address, or says that there is none. back may be called more than once.
func (s *seats) take(address string) (back func(), ok bool) {
	address = countedAs(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.all || s.byAddress[address] >= s.each {
		return nil, false
	}
	s.taken++
	s.byAddress[address]++
	var once sync.Once
	return func() { once.Do(func() { s.back(address) }) }, true
}

func (s *seats) back(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.byAddress[address]--; s.byAddress[address] == 0 {
		delete(s.byAddress, address)
	}
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

func (s *seats) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}
