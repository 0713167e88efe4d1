package limit_test

import (
	"errors"
	"net/http"
	"net/netip"
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
					case len(open) == total:
						want = limit.ErrTotal
					case count(key) == perAddress:
						want = limit.ErrPerAddress
					}
					release, err := s.Acquire(addr)
					if !errors.Is(err, want) || (release == nil) != (err != nil) {
						t.Fatalf("got %v, want %v", err, want)
					}
					if err == nil {
						open = append(open, connection{key, release})
					}
				},
				"release": func(t *rapid.T) {
					if len(open) == 0 {
						t.Skip("nothing is open")
					}
					i := rapid.IntRange(0, len(open)-1).Draw(t, "connection")
					open[i].release()
					closed = append(closed, open[i])
					open = append(open[:i], open[i+1:]...)
				},
				"release again": func(t *rapid.T) {
					if len(closed) == 0 {
						t.Skip("nothing is closed")
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
				t.Fatalf("%d slots and %d addresses are left", s.Count(), s.Addresses())
			}
		})
	})
	t.Run("are all free after concurrent use", func(t *testing.T) {
		s := limit.NewSlots(50, 20, nil)
		var group sync.WaitGroup
		for worker := range 20 {
			group.Go(func() {
				for i := range 500 {
					release, err := s.Acquire(addrs[(worker+i)%len(addrs)])
					if err != nil {
						continue
					}
					var twice sync.WaitGroup
					twice.Go(release)
					release()
					twice.Wait()
				}
			})
		}
		group.Wait()
		if s.Count() != 0 || s.Addresses() != 0 {
			t.Fatalf("%d slots and %d addresses are left", s.Count(), s.Addresses())
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

func TestClientsAdmit(t *testing.T) {
	c := limit.Clients{Slots: limit.NewSlots(2, 1, nil), Proxies: limit.Loopback()}
	request := func(client string) *http.Request {
		return &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {client}}}
	}
	address, release, status := c.Admit(request("[2001:db8::1]:443"))
	if address != "2001:db8::/64" || release == nil || status != 0 {
		t.Fatalf("got %q, %v", address, status)
	}
	if address, again, status := c.Admit(request("2001:db8::2")); address != "2001:db8::/64" || again != nil || status != http.StatusTooManyRequests {
		t.Errorf("the second connection of a network: %q, %v", address, status)
	}
	if _, _, status := c.Admit(request("203.0.113.9:44321")); status != 0 {
		t.Errorf("another address: %v", status)
	}
	if _, again, status := c.Admit(request("198.51.100.7")); again != nil || status != http.StatusServiceUnavailable {
		t.Errorf("one connection too many: %v", status)
	}
	release()
	if _, _, status := c.Admit(request("198.51.100.7")); status != 0 {
		t.Errorf("after a connection has ended: %v", status)
	}
}
