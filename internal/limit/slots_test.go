package limit_test

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"roomlog/internal/limit"
)

// addrs are addresses of four keys: the two IPv6 addresses share one network, and the invalid address has a key too.
var addrs = []netip.Addr{
	netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("203.0.113.2"),
	netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), {},
}

func TestSlots(t *testing.T) {
	t.Run("bound connections in total and per address and never leak", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			total, perAddress := rapid.IntRange(1, 8).Draw(t, "total"), rapid.IntRange(1, 4).Draw(t, "per address")
			s := limit.NewSlots(total, perAddress, nil)
			type connection struct {
				key     string
				release func()
			}
			var open, closed []connection
			count := func(key string) (n int) {
				for _, c := range open {
					if c.key == key {
						n++
					}
				}
				return n
			}
			t.Repeat(map[string]func(*rapid.T){
				"acquire": func(t *rapid.T) {
					addr := rapid.SampledFrom(addrs).Draw(t, "address")
					key := limit.Key(addr)
					var want error
					switch {
					case count(key) == perAddress:
						want = limit.ErrPerAddress
					case len(open) == total:
						want = limit.ErrTotal
					}
					slot, err := s.Acquire(addr)
					if !errors.Is(err, want) || (slot == nil) != (err != nil) {
						t.Fatalf("got %v, want %v", err, want)
					}
					if err == nil {
						open = append(open, connection{key, slot.Release})
					}
				},
				"release": func(t *rapid.T) {
					if len(open) == 0 {
						t.Skip("no slot is in use")
					}
					i := rapid.IntRange(0, len(open)-1).Draw(t, "connection")
					open[i].release()
					closed = append(closed, open[i])
					open = append(open[:i], open[i+1:]...)
				},
				"release again": func(t *rapid.T) {
					if len(closed) == 0 {
						t.Skip("no slot was freed")
					}
					rapid.SampledFrom(closed).Draw(t, "connection").release()
				},
				"": func(t *rapid.T) {
					if s.Count() != len(open) {
						t.Fatalf("%d slots are taken for %d connections", s.Count(), len(open))
					}
				},
			})
			for _, c := range open {
				c.release()
			}
			if s.Count() != 0 || s.Addresses() != 0 {
				t.Fatalf("%d slots and %d addresses are left, want 0, 0", s.Count(), s.Addresses())
			}
		})
	})
	t.Run("are all free after concurrent use", func(t *testing.T) {
		s := limit.NewSlots(50, 20, nil)
		var group sync.WaitGroup
		for worker := range 20 {
			group.Go(func() {
				for i := range 500 {
					slot, err := s.Acquire(addrs[(worker+i)%len(addrs)])
					if err != nil {
						continue
					}
					slot.Wait(slot.Release)
					if i%2 == 0 {
						slot.Busy()
					}
					var twice sync.WaitGroup
					twice.Go(slot.Release)
					slot.Release()
					twice.Wait()
				}
			})
		}
		group.Wait()
		if s.Count() != 0 || s.Addresses() != 0 {
			t.Fatalf("%d slots and %d addresses are left, want 0, 0", s.Count(), s.Addresses())
		}
	})
	t.Run("of 0 are unbounded", func(t *testing.T) {
		s := limit.NewSlots(0, -1, nil)
		for range 10_000 {
			if _, err := s.Acquire(addrs[0]); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("do not bound an exempt address, except in total", func(t *testing.T) {
		s := limit.NewSlots(3, 1, limit.Loopback())
		for i := range 4 {
			if _, err := s.Acquire(netip.MustParseAddr("127.0.0.1")); (err != nil) != (i == 3) {
				t.Fatalf("connection %d: %v", i, err)
			}
		}
	})
}

func TestEviction(t *testing.T) {
	addr := func(last byte) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, last}) }
	t.Run("takes the slot of a connection that waits long, of an address with many waiting connections", func(t *testing.T) {
		s := limit.NewSlots(5, 0, nil)
		var evicted []string
		wait := func(name string, a netip.Addr) *limit.Slot {
			slot, err := s.Acquire(a)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			slot.Wait(func() { evicted = append(evicted, name); slot.Release() })
			return slot
		}
		busy := wait("busy", addr(2))
		busy.Busy()
		wait("first", addr(2))
		wait("honest", addr(1))
		wait("second", addr(2))
		wait("third", addr(2))
		for range 2 {
			if slot, err := s.Acquire(addr(3)); err != nil {
				t.Fatal(err)
			} else {
				slot.Busy()
			}
		}
		if !slices.Equal(evicted, []string{"first", "second"}) || s.Count() != 5 || s.Evicted() != 2 {
			t.Fatalf("evicted %v, %d slots are taken", evicted, s.Count())
		}
	})
	t.Run("spares an address with few waiting connections, however long they wait", func(t *testing.T) {
		s := limit.NewSlots(10, 0, nil)
		slow, err := s.Acquire(addr(1))
		if err != nil {
			t.Fatal(err)
		}
		slow.Wait(func() { t.Error("evicted the connection of an address with one") })
		for i := range 1000 {
			slot, err := s.Acquire(addr(byte(2 + i%2)))
			if err != nil {
				t.Fatal(err)
			}
			slot.Wait(func() {})
		}
		if s.Evicted() != 991 || s.Count() != 10 {
			t.Fatalf("%d connections were evicted and %d slots are taken, want 991 and 10", s.Evicted(), s.Count())
		}
	})
	for name, spared := range map[string]func(i int) netip.Addr{
		"spares many slow clients that have waited longer than all others": func(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}) },
		"spares many connections of a proxy that have waited longer":       func(int) netip.Addr { return netip.MustParseAddr("127.0.0.1") },
	} {
		t.Run(name, func(t *testing.T) {
			s := limit.NewSlots(1000, 0, limit.Loopback())
			for i := range 2000 {
				a, evict := addr(1), func() {}
				if i < 400 {
					a, evict = spared(i), func() { t.Errorf("evicted connection %d", i) }
				}
				slot, err := s.Acquire(a)
				if err != nil {
					t.Fatal(err)
				}
				slot.Wait(evict)
			}
			if s.Evicted() != 1000 || s.Count() != 1000 {
				t.Fatalf("%d connections were evicted and %d slots are taken, want 1000 and 1000", s.Evicted(), s.Count())
			}
		})
	}
	t.Run("does not spare many addresses with few waiting connections each", func(t *testing.T) {
		s := limit.NewSlots(100, 0, nil)
		wait := func(a netip.Addr, evict func()) *limit.Slot {
			slot, err := s.Acquire(a)
			if err != nil {
				t.Fatal(err)
			}
			slot.Wait(evict)
			return slot
		}
		var clients []*limit.Slot // of one address; each has sent its request when two more have connected
		for i := range 1000 {
			clients = append(clients, wait(addr(1), func() { t.Errorf("evicted client %d of many that share an address", i) }))
			if len(clients) > 2 {
				clients[0].Release()
				clients = clients[1:]
			}
			wait(addr(byte(2+i%200)), func() {}) // Each of these has an address of its own, and sends nothing.
		}
		if s.Evicted() == 0 {
			t.Error("the slots were never full")
		}
	})
	t.Run("happens inside an address that has reached its limit", func(t *testing.T) {
		s := limit.NewSlots(100, 2, nil)
		var evicted []int
		for i := range 4 {
			slot, err := s.Acquire(addr(1))
			if err != nil {
				t.Fatal(err)
			}
			slot.Wait(func() { evicted = append(evicted, i) })
		}
		if !slices.Equal(evicted, []int{0, 1}) || s.Count() != 2 {
			t.Fatalf("evicted %v, %d slots are taken", evicted, s.Count())
		}
	})
	t.Run("does not happen to connections that do not wait", func(t *testing.T) {
		s := limit.NewSlots(1, 0, nil)
		slot, err := s.Acquire(addr(1))
		if err != nil {
			t.Fatal(err)
		}
		slot.Wait(func() { t.Error("evicted") })
		slot.Busy()
		if _, err := s.Acquire(addr(2)); !errors.Is(err, limit.ErrTotal) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("spares a proxy, whose connections belong to many clients", func(t *testing.T) {
		s := limit.NewSlots(3, 0, limit.Loopback())
		var evicted []string
		for _, a := range []string{"127.0.0.1", "127.0.0.1", "203.0.113.9"} {
			slot, err := s.Acquire(netip.MustParseAddr(a))
			if err != nil {
				t.Fatal(err)
			}
			slot.Wait(func() { evicted = append(evicted, a) })
		}
		if _, err := s.Acquire(addr(2)); err != nil || !slices.Equal(evicted, []string{"203.0.113.9"}) {
			t.Fatalf("%v, evicted %v", err, evicted)
		}
	})
}

func TestClientsAdmit(t *testing.T) {
	c := limit.Clients{Slots: limit.NewSlots(2, 1, nil), Proxies: limit.Loopback()}
	request := func(client string) *http.Request {
		return &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {client}}}
	}
	address, slot, status := c.Admit(request("[2001:db8::1]:443"))
	if address != "2001:db8::/64" || slot == nil || status != 0 {
		t.Fatalf("got %q, %v", address, status)
	}
	if address, again, status := c.Admit(request("2001:db8::2")); address != "2001:db8::/64" || again != nil || status != http.StatusTooManyRequests {
		t.Errorf("the second connection of a network: %q, %v", address, status)
	}
	if _, _, status := c.Admit(request("203.0.113.9:44321")); status != 0 {
		t.Errorf("another address: %v, want 0", status)
	}
	if _, again, status := c.Admit(request("198.51.100.7")); again != nil || status != http.StatusServiceUnavailable {
		t.Errorf("one connection too many: %v", status)
	}
	slot.Release()
	if _, _, status := c.Admit(request("198.51.100.7")); status != 0 {
		t.Errorf("after a connection has ended: %v, want 0", status)
	}
}
