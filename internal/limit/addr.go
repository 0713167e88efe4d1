package limit

import (
	"net/http"
	"net/netip"
	"strings"
)

// Key returns the key under which the client at addr is counted: the IPv4 address, or the /64 network of an IPv6
// address, because one customer can use all addresses of such a network. It returns "" if addr is invalid, so that
// all clients without a known address are counted together.
func Key(addr netip.Addr) string {
	addr = normal(addr)
	switch {
	case !addr.IsValid():
		return ""
	case addr.Is4():
		return addr.String()
	}
	network, err := addr.Prefix(64)
	if err != nil {
		return ""
	}
	return network.String()
}

// ParseAddr parses an address with or without a port: "203.0.113.9", "203.0.113.9:44321", "2001:db8::1",
// "[2001:db8::1]" and "[2001:db8::1]:443". It converts IPv4-mapped IPv6 addresses to IPv4 and drops zones. It returns
// the invalid Addr for other strings.
func ParseAddr(text string) netip.Addr {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return normal(with.Addr())
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !ok || err != nil || addr.Is4() {
			return netip.Addr{}
		}
		return normal(addr)
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return normal(addr)
}

// Peer returns the remote address of the TCP connection of r, which may be the address of a proxy. It returns the
// invalid Addr if the connection has no IP address.
func Peer(r *http.Request) netip.Addr { return ParseAddr(r.RemoteAddr) }

func normal(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
