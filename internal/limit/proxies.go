package limit

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies holds the networks of the trusted proxies. X-Forwarded headers from other addresses are ignored.
type Proxies []netip.Prefix

// ParseProxies parses networks ("10.0.0.0/8") and single addresses ("127.0.0.1").
func ParseProxies(networks []string) (Proxies, error) {
	var p Proxies
	for _, text := range networks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("%q is neither a network like 10.0.0.0/8 nor an IP address", text)
			}
			network = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		}
		p = append(p, network.Masked())
	}
	return p, nil
}

// Loopback returns the loopback networks 127.0.0.0/8 and ::1/128.
func Loopback() Proxies {
	return Proxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// Contains reports whether addr belongs to a trusted proxy. It returns false for the invalid Addr.
func (p Proxies) Contains(addr netip.Addr) bool {
	addr = normal(addr)
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// ClientAddr returns the address of the client that sent r. Without a trusted proxy, this is the remote address of
// the connection. Behind trusted proxies, it is the rightmost address in X-Forwarded-For that is not the address of a
// trusted proxy: clients can forge all entries to the left of it. Empty entries are skipped. If that entry cannot be
// parsed ("unknown"), ClientAddr returns the invalid Addr, so that the client is not mistaken for its proxy.
func (p Proxies) ClientAddr(r *http.Request) netip.Addr {
	addr := Peer(r)
	forwarded := r.Header.Values("X-Forwarded-For")
	for i := len(forwarded) - 1; i >= 0; i-- {
		rest, more := forwarded[i], true
		for more && p.Contains(addr) {
			var entry string
			if rest, entry, more = cutLast(rest); entry == "" {
				continue
			}
			addr = ParseAddr(entry)
		}
	}
	return addr
}

// cutLast splits the last entry from a comma-separated list: "a, b, c" becomes "a, b" and "c".
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	return list[:max(i, 0)], strings.TrimSpace(list[i+1:]), i >= 0
}
