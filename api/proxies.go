package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks whose word about a request counts: whom they forward it for, and
// under which address the client knows this server. Everybody else is taken for the client.
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

// Loopback trusts programs on this machine.
func Loopback() Proxies {
	return Proxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// ClientAddr answers who sent r: the other end of the connection, or, while that is a trusted
// proxy, the address it says it forwards for. So it is the rightmost address of X-Forwarded-For
// that is not trusted; what stands left of it can be invented by anybody.
func (p Proxies) ClientAddr(r *http.Request) netip.Addr {
	addr := peer(r)
	forwarded := r.Header.Values("X-Forwarded-For")
	for i := len(forwarded) - 1; i >= 0; i-- {
		rest, more := forwarded[i], true
		for more && p.trusts(addr) {
			var hop string
			if rest, hop, more = cutLast(rest); hop == "" {
				continue
			}
			said, err := netip.ParseAddr(hop)
			if err != nil {
				return addr // nothing left of garbage can be trusted
			}
			addr = said.Unmap().WithZone("")
		}
	}
	return addr
}

// base answers how the client addressed this server: "https://live.example".
func (p Proxies) base(r *http.Request) string {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if p.trusts(peer(r)) {
		if said := r.Header.Get("X-Forwarded-Proto"); said == "http" || said == "https" {
			scheme = said
		}
		if said := r.Header.Get("X-Forwarded-Host"); plainHost(said) {
			host = said
		}
	}
	if !plainHost(host) {
		host = "localhost"
	}
	return scheme + "://" + host
}

func (p Proxies) trusts(addr netip.Addr) bool {
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// cutLast takes the last entry off a list: "a, b, c" is "a, b" and "c".
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	return list[:max(i, 0)], strings.TrimSpace(list[i+1:]), i >= 0
}

// plainHost says whether s can stand in an address as it is.
func plainHost(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-:[]", r))
	})
}
