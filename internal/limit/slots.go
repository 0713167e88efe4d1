package limit

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
)

// Errors of Acquire.
var (
	ErrTotal      = errors.New("too many connections")
	ErrPerAddress = errors.New("too many connections from this address")
)

// Slots limits the number of open connections. It is safe for concurrent use.
type Slots struct {
	total, perAddress int
	exempt            Proxies

	mu        sync.Mutex
	taken     int
	byAddress map[string]int
}

// NewSlots returns Slots for at most total connections, and at most perAddress connections with the same Key. A limit
// of 0 or less means no limit. Connections from exempt networks count only toward total, because a proxy forwards the
// connections of many clients.
func NewSlots(total, perAddress int, exempt Proxies) *Slots {
	return &Slots{total: total, perAddress: perAddress, exempt: exempt, byAddress: make(map[string]int)}
}

// Acquire takes a slot for a connection from addr. It returns a function that releases the slot, or ErrTotal or
// ErrPerAddress. Any goroutine may call release, and may call it more than once.
func (s *Slots) Acquire(addr netip.Addr) (release func(), err error) {
	return s.acquire(Key(addr), !s.exempt.Contains(addr))
}

func (s *Slots) acquire(key string, counted bool) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.total > 0 && s.taken >= s.total:
		return nil, ErrTotal
	case counted && s.perAddress > 0 && s.byAddress[key] >= s.perAddress:
		return nil, ErrPerAddress
	}
	s.taken++
	if counted {
		s.byAddress[key]++
	}
	return (&slot{of: s, key: key, counted: counted}).release, nil
}

// slot is the slot of one open connection.
type slot struct {
	of       *Slots
	key      string
	counted  bool // the slot is counted under key
	released bool // guarded by of.mu
}

func (t *slot) release() {
	s := t.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.released {
		return
	}
	t.released = true
	s.taken--
	if !t.counted {
		return
	}
	if s.byAddress[t.key]--; s.byAddress[t.key] == 0 {
		delete(s.byAddress, t.key)
	}
}

// Count returns the number of slots in use.
func (s *Slots) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Clients limits the connections of HTTP clients, which connect directly or through trusted proxies. It implements
// the interface Limiter of package realtime/ws.
type Clients struct {
	Slots   *Slots
	Proxies Proxies // nil: no trusted proxies
}

// Admit takes a slot for the client of r. It returns the key of the client's address and the function that releases
// the slot. If it refuses the client, release is nil and status is the HTTP status to send: 429 if the address has
// too many connections, 503 if the server has too many.
func (c Clients) Admit(r *http.Request) (address string, release func(), status int) {
	addr := c.Proxies.ClientAddr(r)
	address = Key(addr)
	release, err := c.Slots.acquire(address, !c.Slots.exempt.Contains(addr))
	switch {
	case errors.Is(err, ErrPerAddress):
		status = http.StatusTooManyRequests
	case err != nil:
		status = http.StatusServiceUnavailable
	}
	return address, release, status
}
