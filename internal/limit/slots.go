package limit

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
)

// The reasons for which Acquire refuses a connection.
var (
	ErrTotal      = errors.New("too many connections")
	ErrPerAddress = errors.New("too many connections from this address")
)

// Slots bounds the number of connections that are open at a time. It is safe for concurrent use.
type Slots struct {
	total, perAddress int
	exempt            Proxies

	mu        sync.Mutex
	taken     int
	byAddress map[string]int
}

// NewSlots returns Slots for total connections, perAddress of them from one address (see Key). A bound of 0 or less
// is no bound. Connections from exempt networks count in total only: a proxy brings many clients.
func NewSlots(total, perAddress int, exempt Proxies) *Slots {
	return &Slots{total: total, perAddress: perAddress, exempt: exempt, byAddress: make(map[string]int)}
}

// Acquire takes a slot for a connection from addr. It returns the function that frees the slot, which may be called
// more than once and by any goroutine, or ErrTotal or ErrPerAddress.
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

// slot is a slot that is taken, until it is released.
type slot struct {
	of       *Slots
	key      string
	counted  bool // under key
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

// Count returns the number of slots that are taken.
func (s *Slots) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Clients bounds the connections of clients that come by HTTP, through trusted proxies or directly. It is a Limiter
// of package realtime/ws.
type Clients struct {
	Slots   *Slots
	Proxies Proxies // nil: none is trusted
}

// Admit takes a slot for the client of r. It returns the key of the client's address and the function that frees the
// slot, or no function and the HTTP status of the refusal: 429 when the client's address has too many connections, 503
// when the server has.
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
