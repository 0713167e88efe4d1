package dialguard

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

const keepAlive = 30 * time.Second

// ErrForbidden is wrapped when a Guard refuses an address.
var ErrForbidden = errors.New("the address is not permitted")

// Guard permits connections to public addresses, and to the addresses in Networks.
type Guard struct {
	Networks []netip.Prefix
}

// special are the networks of IPv4, and those inside the public range 2000::/3 of IPv6, in which no server on the internet is.
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

// Check returns an error that wraps ErrForbidden unless a connection to addr is permitted.
func (g *Guard) Check(addr netip.Addr) error {
	if g.Listed(addr) || isPublic(addr) {
		return nil
	}
	return fmt.Errorf("%w: %s is not on the internet", ErrForbidden, addr)
}

// Listed reports whether addr is in Networks.
func (g *Guard) Listed(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(g.Networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func isPublic(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	switch {
	case !addr.IsGlobalUnicast(), addr.IsPrivate(), addr.Is6() && !unicast.Contains(addr):
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Dialer returns a dialer that checks each address to which it connects.
func (g *Guard) Dialer() *net.Dialer {
	return &net.Dialer{KeepAlive: keepAlive, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrForbidden, err)
		}
		return g.Check(to.Addr())
	}}
}
