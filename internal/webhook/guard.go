package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"roomlog/internal/dialguard"
)

// ErrForbidden is wrapped when a Guard refuses the address of a receiver.
var ErrForbidden = errors.New("the address of the receiver is not permitted")

// Guard decides to which addresses requests may be sent: to public addresses over https, and to the addresses in Networks over
// https or http.
type Guard struct {
	Networks []netip.Prefix
}

// Check returns an error that wraps ErrForbidden unless a request may be sent to addr. plain reports whether the URL has
// the scheme http.
func (g *Guard) Check(addr netip.Addr, plain bool) error {
	guard := dialguard.Guard{Networks: g.Networks}
	switch {
	case guard.Listed(addr):
		return nil
	case plain:
		return fmt.Errorf("%w: http is permitted only to the networks of --webhook-networks, use https (%s)", ErrForbidden, addr)
	case guard.Check(addr) != nil:
		return fmt.Errorf("%w: %s is not on the internet, and not in the networks of --webhook-networks", ErrForbidden, addr)
	}
	return nil
}

// dialer returns a dialer that checks each address to which it connects.
func (g *Guard) dialer(plain bool) *net.Dialer {
	return &net.Dialer{KeepAlive: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrForbidden, err)
		}
		return g.Check(to.Addr(), plain)
	}}
}
