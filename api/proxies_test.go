package api_test

import (
	"net/http"
	"testing"

	"roomlog/api"
)

func TestClientAddr(t *testing.T) {
	networks, err := api.ParseProxies([]string{"127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"nothing forwarded":                              {"203.0.113.5:4444", nil, "203.0.113.5"},
		"a stranger invents a header":                    {"203.0.113.5:4444", []string{"1.2.3.4"}, "203.0.113.5"},
		"a proxy forwards":                               {"127.0.0.1:1", []string{"198.51.100.7"}, "198.51.100.7"},
		"a proxy forwards nothing":                       {"127.0.0.1:1", nil, "127.0.0.1"},
		"the client invented what stands left":           {"127.0.0.1:1", []string{"1.2.3.4, 198.51.100.7"}, "198.51.100.7"},
		"two proxies":                                    {"127.0.0.1:1", []string{"1.2.3.4, 198.51.100.7, 10.1.1.1"}, "198.51.100.7"},
		"two headers":                                    {"127.0.0.1:1", []string{"1.2.3.4, 198.51.100.7", "10.1.1.1"}, "198.51.100.7"},
		"the client pretends to be a proxy":              {"127.0.0.1:1", []string{"10.9.9.9, 198.51.100.7"}, "198.51.100.7"},
		"everybody is trusted":                           {"127.0.0.1:1", []string{"10.9.9.9,10.1.1.1"}, "10.9.9.9"},
		"garbage next to the proxy":                      {"127.0.0.1:1", []string{"198.51.100.7, x"}, "127.0.0.1"},
		"garbage behind a proxy":                         {"127.0.0.1:1", []string{"x, 10.1.1.1"}, "10.1.1.1"},
		"empty entries":                                  {"127.0.0.1:1", []string{", 198.51.100.7, ,"}, "198.51.100.7"},
		"an empty header":                                {"127.0.0.1:1", []string{""}, "127.0.0.1"},
		"IPv6":                                           {"[::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		"an IPv4 proxy in IPv6 clothes":                  {"[::ffff:127.0.0.1]:1", []string{"198.51.100.7"}, "198.51.100.7"},
		"a client that hides its address in IPv6":        {"127.0.0.1:1", []string{"1.2.3.4, ::ffff:198.51.100.7"}, "198.51.100.7"},
		"a client that hides a trusted address in IPv6":  {"127.0.0.1:1", []string{"1.2.3.4, ::ffff:10.1.1.1"}, "1.2.3.4"},
		"a client that hides a trusted address in zones": {"127.0.0.1:1", []string{"1.2.3.4, fd00::1%x"}, "1.2.3.4"},
		"a connection without an address":                {"@", []string{"1.2.3.4"}, "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
			if got := networks.ClientAddr(r).String(); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("nobody is trusted", func(t *testing.T) {
		r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {"1.2.3.4"}}}
		if got := (api.Proxies{}).ClientAddr(r).String(); got != "127.0.0.1" {
			t.Fatalf("got %s", got)
		}
	})
}

func TestLoopback(t *testing.T) {
	for peer, want := range map[string]string{
		"127.0.0.1:1": "198.51.100.7", "127.8.8.8:1": "198.51.100.7", "[::1]:1": "198.51.100.7", "10.0.0.1:1": "10.0.0.1",
	} {
		r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {"198.51.100.7"}}}
		if got := api.Loopback().ClientAddr(r).String(); got != want {
			t.Errorf("from %s: got %s, want %s", peer, got, want)
		}
	}
}

func TestParseProxies(t *testing.T) {
	for _, text := range []string{"", "10.0.0.0/33", "localhost", "10.0.0"} {
		if _, err := api.ParseProxies([]string{text}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
