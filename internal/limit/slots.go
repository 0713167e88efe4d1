package limit

import (
	"container/list"
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

// maxEvictionScan is the number of waiting connections, the longest waiting first, among which Acquire looks for the
// one to evict.
const maxEvictionScan = 256

// Slots limits the number of open connections. It is safe for concurrent use.
//
// When all slots are taken, a new connection takes the slot of a connection that waits for its client (Slot.Wait). It
// is refused only if no connection waits. So a client that opens connections and sends nothing cannot keep others out.
type Slots struct {
	total, perAddress int
	exempt            Proxies

	mu        sync.Mutex
	taken     int
	evicted   uint64
	waits     uint64 // number of calls of Slot.Wait
	byAddress map[string]*address
	waiting   list.List // list of *Slot; the longest waiting first
	queues    int       // number of addresses with waiting connections
	queued    int       // number of waiting connections of all addresses

	bySize []*list.List // lists of the addresses with 1, 2, … waiting connections; the last list is not empty
}

// address holds the number of the open connections of one client address (see Key), and those of them that wait for
// their client.
type address struct {
	open    int
	waiting list.List     // list of *Slot; the longest waiting first
	inSize  *list.Element // element of the list of Slots.bySize; nil before a connection waits
}

// NewSlots returns Slots for at most total connections, and at most perAddress connections with the same Key. A limit
// of 0 or less means no limit. Connections from exempt networks count only toward total, because a proxy forwards the
// connections of many clients.
func NewSlots(total, perAddress int, exempt Proxies) *Slots {
	return &Slots{total: total, perAddress: perAddress, exempt: exempt, byAddress: make(map[string]*address)}
}

// Acquire takes a slot for a connection from addr. It returns ErrTotal or ErrPerAddress if there is no free slot and no
// waiting connection to evict. Above the limit of the address only connections from this address are evicted.
func (s *Slots) Acquire(addr netip.Addr) (*Slot, error) {
	return s.acquire(Key(addr), !s.exempt.Contains(addr))
}

// AcquireKey does the same as Acquire, for the client whose address has the given Key. Exempt networks are not
// considered.
func (s *Slots) AcquireKey(key string) (*Slot, error) { return s.acquire(key, true) }

func (s *Slots) acquire(key string, counted bool) (*Slot, error) {
	slot, victim, err := s.take(key, counted)
	if victim != nil {
		victim.evict() // mu is not locked here: the connection may release its slot meanwhile.
	}
	return slot, err
}

// take takes a slot for a new connection. victim is the slot of a waiting connection that was released for it, or nil;
// the caller must call victim.evict.
func (s *Slots) take(key string, counted bool) (slot, victim *Slot, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.byAddress[key]
	switch {
	case counted && s.perAddress > 0 && own != nil && own.open >= s.perAddress:
		if victim = front(&own.waiting); victim == nil {
			return nil, nil, ErrPerAddress
		}
	case s.total > 0 && s.taken >= s.total:
		if victim = s.heaviest(); victim == nil {
			return nil, nil, ErrTotal
		}
	}
	if victim != nil {
		victim.release()
		s.evicted++
	}
	slot = &Slot{of: s}
	s.taken++
	if counted {
		if own = s.byAddress[key]; own == nil {
			own = &address{}
			s.byAddress[key] = own
		}
		own.open++
		slot.key, slot.address = key, own
	}
	return slot, victim, nil
}

// heaviest returns the slot to evict for a client of another address. It spares addresses with fewer than half as many
// waiting connections as the average address, because their clients may be slow. Together these addresses have less than
// half of the waiting connections. Among the others it returns the slot with the largest product of how long it waits and
// how many connections of its address wait. So clients that have just connected are spared, whether they are alone or many
// behind one address. If it finds only spared slots, it returns the longest waiting one of the address with the most
// waiting connections.
func (s *Slots) heaviest() (victim *Slot) {
	most, crowded, scanned := uint64(0), false, 0
	for e := s.waiting.Front(); e != nil && scanned < maxEvictionScan; e = e.Next() {
		scanned++
		slot := e.Value.(*Slot)
		above, weight := slot.crowded(), slot.weight()
		if victim == nil || above && !crowded || above == crowded && weight > most {
			victim, most, crowded = slot, weight, above
		}
	}
	if n := len(s.bySize); n > 0 && !crowded {
		return front(&s.bySize[n-1].Front().Value.(*address).waiting)
	}
	return victim
}

// resize moves an address to the list of Slots.bySize for its present number of waiting connections. before is the former
// number.
func (s *Slots) resize(a *address, before int) {
	if before > 0 {
		s.bySize[before-1].Remove(a.inSize)
	}
	after := a.waiting.Len()
	if after > len(s.bySize) { // at most one list is missing, because a number changes by one
		s.bySize = append(s.bySize, list.New())
	}
	if after > 0 {
		a.inSize = s.bySize[after-1].PushBack(a)
	}
	for n := len(s.bySize); n > 0 && s.bySize[n-1].Len() == 0; n-- {
		s.bySize = s.bySize[:n-1]
	}
}

func front(l *list.List) *Slot {
	if e := l.Front(); e != nil {
		return e.Value.(*Slot)
	}
	return nil
}

// Count returns the number of slots in use.
func (s *Slots) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Evicted returns the number of connections that lost their slot to another connection.
func (s *Slots) Evicted() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.evicted
}

// Slot is the slot of one open connection. It is safe for concurrent use. The methods of a nil Slot do nothing.
type Slot struct {
	of      *Slots
	key     string
	address *address // address of the client; nil: the slot counts only toward the total

	// The following fields are guarded by of.mu.
	evict     func()
	since     uint64        // value of of.waits when the connection began to wait
	inAll     *list.Element // element of of.waiting; nil while the connection does not wait
	inAddress *list.Element // element of address.waiting
	released  bool
}

// Wait records that the connection waits for its client from now on: for a request, or for the rest of one. Until Busy
// is called, another connection may take the slot. Then evict is called once; it closes the connection and must not
// block.
func (t *Slot) Wait(evict func()) {
	if t == nil {
		return
	}
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if t.released {
		return
	}
	t.stopWaiting()
	t.of.waits++
	t.evict, t.since = evict, t.of.waits
	t.inAll = t.of.waiting.PushBack(t)
	if t.address != nil {
		if t.address.waiting.Len() == 0 {
			t.of.queues++
		}
		t.of.queued++
		t.inAddress = t.address.waiting.PushBack(t)
		t.of.resize(t.address, t.address.waiting.Len()-1)
	}
}

// Busy records that the connection does not wait for its client any more. The slot is kept until Release. Busy reports false if
// another connection has taken the slot.
func (t *Slot) Busy() bool {
	if t == nil {
		return false
	}
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.stopWaiting()
	return !t.released
}

// Release releases the slot. It may be called more than once.
func (t *Slot) Release() {
	if t == nil {
		return
	}
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.release()
}

// weight returns the product of two numbers: how long the connection has waited, in calls of Wait, and how many
// connections of its address wait.
func (t *Slot) weight() uint64 {
	if t.address == nil {
		return 0 // A connection of a proxy is evicted only when no other connection waits.
	}
	return (t.of.waits - t.since + 1) * uint64(t.address.waiting.Len())
}

// crowded reports whether the address has at least half as many waiting connections as the average address.
func (t *Slot) crowded() bool {
	return t.address != nil && 2*t.address.waiting.Len()*t.of.queues >= t.of.queued
}

func (t *Slot) stopWaiting() {
	if t.inAll == nil {
		return
	}
	t.of.waiting.Remove(t.inAll)
	if t.inAddress != nil {
		t.address.waiting.Remove(t.inAddress)
		t.of.queued--
		if t.address.waiting.Len() == 0 {
			t.of.queues--
		}
		t.of.resize(t.address, t.address.waiting.Len()+1)
	}
	t.inAll, t.inAddress = nil, nil
}

func (t *Slot) release() {
	if t.released {
		return
	}
	t.stopWaiting()
	t.released = true
	t.of.taken--
	if t.address == nil {
		return
	}
	if t.address.open--; t.address.open == 0 {
		delete(t.of.byAddress, t.key)
	}
}

// Clients limits the connections of HTTP clients, which connect directly or through trusted proxies. It implements
// the interface Limiter of package realtime/ws.
type Clients struct {
	Slots   *Slots
	Proxies Proxies // trusted proxies; nil: none
}

// Admit takes a slot for the client of r. It returns the key of the client's address. If it refuses the client, slot is
// nil and status is the HTTP status to send: 429 if the address has too many connections, 503 if the server has too
// many.
func (c Clients) Admit(r *http.Request) (address string, slot *Slot, status int) {
	addr := c.Proxies.ClientAddr(r)
	address = Key(addr)
	slot, err := c.Slots.acquire(address, !c.Slots.exempt.Contains(addr))
	switch {
	case errors.Is(err, ErrPerAddress):
		status = http.StatusTooManyRequests
	case err != nil:
		status = http.StatusServiceUnavailable
	}
	return address, slot, status
}
