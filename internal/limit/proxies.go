package limit

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of the trusted proxies. Only their X-Forwarded headers are used.
type Proxies []netip.Prefix

// ParseProxies reads networks ("10.0.0.0/8") and single addresses ("127.0.0.1").
func ParseProxies(networks []string) (Proxies, error) {
	var p Proxies
	for _, text := range networks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("trusted proxies: %q is neither a network nor an address", text)
			}
			network = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		}
		p = append(p, network.Masked())
	}
	return p, nil
}

// Loopback returns the networks of this machine.
func Loopback() Proxies {
	return Proxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// Contains reports whether addr belongs to a trusted proxy. The invalid Addr never does.
func (p Proxies) Contains(addr netip.Addr) bool {
	addr = normal(addr)
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// ClientAddr returns the address of the client that sent r: the other end of the connection or, while that is a
// trusted proxy, the rightmost address of X-Forwarded-For that is not one. Everything left of it may be invented by
// the client. It returns the invalid Addr when the decisive entry cannot be parsed ("unknown"), so that no client
// passes for its proxy. Empty entries are skipped.
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

// cutLast splits the last entry off a comma-separated list: "a, b, c" becomes "a, b" and "c".
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	return list[:max(i, 0)], strings.TrimSpace(list[i+1:]), i >= 0
}
