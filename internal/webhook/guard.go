package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrForbidden is wrapped when a Guard refuses the address of a receiver.
var ErrForbidden = errors.New("the address of the receiver is not permitted")

// Guard decides to which addresses requests may be sent: to public addresses over https, and to the addresses in Networks over
// https or http.
type Guard struct {
	Networks []netip.Prefix
}

// special are the networks inside the public range 2000::/3 of IPv6, and those of IPv4, in which no receiver on the internet is.
// Addresses that netip recognises as private, loopback, link-local or multicast are not in the list.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT; some clouds have services there
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), // Teredo and others: tunnels to any IPv4 address
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4
	netip.MustParsePrefix("3fff::/20"),
}

// unicast is the range of IPv6 in which the internet is. The networks outside it, such as 64:ff9b::/96, lead to IPv4 addresses
// or nowhere.
var unicast = netip.MustParsePrefix("2000::/3")

// Check returns an error that wraps ErrForbidden unless a request may be sent to addr. plain says that the URL has http.
func (g *Guard) Check(addr netip.Addr, plain bool) error {
	addr = addr.Unmap().WithZone("")
	contains := func(p netip.Prefix) bool { return p.Contains(addr) }
	switch {
	case slices.ContainsFunc(g.Networks, contains):
		return nil
	case plain:
		return fmt.Errorf("%w: http is permitted only to the networks of --webhook-networks, use https (%s)", ErrForbidden, addr)
	case !addr.IsGlobalUnicast(), addr.IsPrivate(), slices.ContainsFunc(special, contains), addr.Is6() && !unicast.Contains(addr):
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
