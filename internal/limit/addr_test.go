package limit_test

import (
	"net/http"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"roomlog/internal/limit"
)

func TestParseAddr(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.9":                 "203.0.113.9",
		"203.0.113.9:44321":           "203.0.113.9",
		"2001:db8::1":                 "2001:db8::1",
		"[2001:db8::1]":               "2001:db8::1",
		"[2001:db8::1]:443":           "2001:db8::1",
		"[::1]:5":                     "::1",
		"::ffff:198.51.100.7":         "198.51.100.7",
		"[::ffff:198.51.100.7]:80":    "198.51.100.7",
		"fe80::1%eth0":                "fe80::1",
		"":                            "invalid IP",
		"unknown":                     "invalid IP",
		"_hidden":                     "invalid IP",
		"203.0.113.9:":                "invalid IP",
		"203.0.113.9:x":               "invalid IP",
		"203.0.113.9:99999":           "invalid IP",
		"203.0.113.300":               "invalid IP",
		"[203.0.113.9]":               "invalid IP",
		"[2001:db8::1":                "invalid IP",
		"2001:db8::1]":                "invalid IP",
		"for=203.0.113.9":             "invalid IP",
		"203.0.113.9 203.0.113.8":     "invalid IP",
		"203.0.113.9\x00":             "invalid IP",
		"example.com:443":             "invalid IP",
		"0000:0000:0000:0000:0:0:0:1": "::1",
	} {
		if got := limit.ParseAddr(text).String(); got != want {
			t.Errorf("ParseAddr(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestKey(t *testing.T) {
	for addr, want := range map[string]string{
		"203.0.113.9":                "203.0.113.9",
		"2001:db8:1:2::1":            "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff:ffff::":   "2001:db8:1:2::/64",
		"2001:db8:1:3::1":            "2001:db8:1:3::/64",
		"::ffff:203.0.113.9":         "203.0.113.9",
		"fe80::1%eth0":               "fe80::/64",
		"unknown":                    "",
		"2001:db8:1:2:3:4:5:6:7:8:9": "",
	} {
		parsed, _ := netip.ParseAddr(addr)
		if got := limit.Key(parsed); got != want {
			t.Errorf("Key(%s) = %q, want %q", addr, got, want)
		}
	}
	t.Run("is one for all IPv6 addresses of a /64 network and another for every other network", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			one, other := ipv6(t, "one"), ipv6(t, "other")
			sameNetwork := [8]byte(one[:8]) == [8]byte(other[:8])
			sameKey := limit.Key(netip.AddrFrom16(one)) == limit.Key(netip.AddrFrom16(other))
			if sameKey != sameNetwork {
				t.Fatalf("%s and %s: same key %v, want %v", netip.AddrFrom16(one), netip.AddrFrom16(other), sameKey, sameNetwork)
			}
		})
	})
}

// ipv6 draws an address out of few networks, so that two draws often share one.
func ipv6(t *rapid.T, label string) (a [16]byte) {
	copy(a[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
	copy(a[:7], []byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0})
	a[7] &= 3
	return a
}

func TestClientAddr(t *testing.T) {
	networks, err := limit.ParseProxies([]string{"127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	const unknown = "invalid IP"
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"nothing forwarded":                                       {"203.0.113.5:4444", nil, "203.0.113.5"},
		"an untrusted client sends the header":                    {"203.0.113.5:4444", []string{"1.2.3.4"}, "203.0.113.5"},
		"a proxy forwards":                                        {"127.0.0.1:1", []string{"198.51.100.7"}, "198.51.100.7"},
		"a proxy forwards nothing":                                {"127.0.0.1:1", nil, "127.0.0.1"},
		"entries left of the client's address are invented":       {"127.0.0.1:1", []string{"1.2.3.4, 198.51.100.7"}, "198.51.100.7"},
		"two proxies":                                             {"127.0.0.1:1", []string{"1.2.3.4, 198.51.100.7, 10.1.1.1"}, "198.51.100.7"},
		"two headers":                                             {"127.0.0.1:1", []string{"1.2.3.4, 198.51.100.7", "10.1.1.1"}, "198.51.100.7"},
		"the client pretends to be a proxy":                       {"127.0.0.1:1", []string{"10.9.9.9, 198.51.100.7"}, "198.51.100.7"},
		"every entry is a trusted proxy":                          {"127.0.0.1:1", []string{"10.9.9.9,10.1.1.1"}, "10.9.9.9"},
		"an entry with a port":                                    {"127.0.0.1:1", []string{"203.0.113.9:44321"}, "203.0.113.9"},
		"a proxy's entry with a port":                             {"127.0.0.1:1", []string{"198.51.100.7, 10.1.1.1:8080"}, "198.51.100.7"},
		"an IPv6 entry with a port":                               {"127.0.0.1:1", []string{"198.51.100.7, [::1]:5"}, "198.51.100.7"},
		"an IPv6 entry in brackets":                               {"127.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		"the proxy knows no address":                              {"127.0.0.1:1", []string{"unknown"}, unknown},
		"an unparsable entry next to the proxy":                   {"127.0.0.1:1", []string{"198.51.100.7, x"}, unknown},
		"an unparsable entry behind a proxy":                      {"127.0.0.1:1", []string{"x, 10.1.1.1"}, unknown},
		"an unparsable entry left of the client":                  {"127.0.0.1:1", []string{"x, 198.51.100.7"}, "198.51.100.7"},
		"empty entries":                                           {"127.0.0.1:1", []string{", 198.51.100.7, ,"}, "198.51.100.7"},
		"only empty entries":                                      {"127.0.0.1:1", []string{" ,, "}, "127.0.0.1"},
		"an empty header":                                         {"127.0.0.1:1", []string{""}, "127.0.0.1"},
		"IPv6":                                                    {"[::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		"a proxy whose IPv4 address is mapped into IPv6":          {"[::ffff:127.0.0.1]:1", []string{"198.51.100.7"}, "198.51.100.7"},
		"a client whose IPv4 address is mapped into IPv6":         {"127.0.0.1:1", []string{"1.2.3.4, ::ffff:198.51.100.7"}, "198.51.100.7"},
		"a proxy entry mapped into IPv6":                          {"127.0.0.1:1", []string{"1.2.3.4, ::ffff:10.1.1.1"}, "1.2.3.4"},
		"a proxy entry with a zone":                               {"127.0.0.1:1", []string{"1.2.3.4, fd00::1%x"}, "1.2.3.4"},
		"a connection without an address trusts no header":        {"@", []string{"1.2.3.4"}, unknown},
		"an unparsable entry in the header right of a good one":   {"127.0.0.1:1", []string{"198.51.100.7", "-"}, unknown},
		"an entry of the Forwarded syntax is not an address":      {"127.0.0.1:1", []string{"for=198.51.100.7"}, unknown},
		"blanks around entries are dropped":                       {"127.0.0.1:1", []string{"\t198.51.100.7 , 10.1.1.1 "}, "198.51.100.7"},
		"an untrusted proxy between two trusted ones is a client": {"127.0.0.1:1", []string{"1.2.3.4, 10.1.1.1, 198.51.100.7, 10.1.1.2"}, "198.51.100.7"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
			if got := networks.ClientAddr(r).String(); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("without trusted proxies is the peer", func(t *testing.T) {
		r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {"1.2.3.4"}}}
		if got := (limit.Proxies{}).ClientAddr(r).String(); got != "127.0.0.1" {
			t.Fatalf("got %s", got)
		}
	})
	t.Run("is never trusted when the decisive entry cannot be parsed", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			entry := rapid.StringMatching(`[a-z0-9:.\[\]%_-]{1,20}`).Draw(t, "entry")
			r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {entry}}}
			if got := networks.ClientAddr(r); !limit.ParseAddr(entry).IsValid() && networks.Contains(got) {
				t.Fatalf("%q passes for the proxy %s", entry, got)
			}
		})
	})
}

func TestLoopback(t *testing.T) {
	for peer, want := range map[string]string{
		"127.0.0.1:1": "198.51.100.7", "127.8.8.8:1": "198.51.100.7", "[::1]:1": "198.51.100.7", "10.0.0.1:1": "10.0.0.1",
	} {
		r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {"198.51.100.7"}}}
		if got := limit.Loopback().ClientAddr(r).String(); got != want {
			t.Errorf("from %s: got %s, want %s", peer, got, want)
		}
	}
}

func TestParseProxiesRefusesOtherText(t *testing.T) {
	for _, text := range []string{"", "10.0.0.0/33", "localhost", "10.0.0"} {
		if _, err := limit.ParseProxies([]string{text}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
