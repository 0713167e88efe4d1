package settings_test

import (
	"testing"

	"roomlog/internal/settings"
)

func TestTexts(t *testing.T) {
	for name, tt := range map[string]struct {
		valid            func(string) bool
		accepts, refuses []string
	}{
		"IsHTTPURL": {
			settings.IsHTTPURL,
			[]string{"http://a", "https://live.example/x?y=z", "https://[::1]:8443", "https://user@a"},
			[]string{"", "a", "//a", "ftp://a", "https://", "https:a", "https://:443", "http://a:", "http://a:0", "http://a:65536", "http://a:x", "http://a b", "http://\n"},
		},
		"IsOrigin": {
			settings.IsOrigin,
			[]string{"*", "null", "https://live.example", "HTTPS://Live.example:8443", "http://[::1]:80", "file://", "capacitor://localhost"},
			[]string{"", "live.example", "https://live.example/", "https://live.example/x", "https://live.example?x", "https://user@live.example", "https://*.live.example\r\nX: y", "https://live.example:99999", "*, https://a"},
		},
		"IsListenAddress": {
			settings.IsListenAddress,
			[]string{":0", ":7001", "127.0.0.1:65535", "[::1]:80", "localhost:80", "[fe80::1%eth0]:80"},
			[]string{"", "7001", ":", "localhost", ":65536", ":-1", ":http", "::1:80", "http://a:80", "a b:80"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range tt.accepts {
				if !tt.valid(text) {
					t.Errorf("%q is refused, want it accepted", text)
				}
			}
			for _, text := range tt.refuses {
				if tt.valid(text) {
					t.Errorf("%q is accepted, want it refused", text)
				}
			}
		})
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://live.example:7001/x":       "https://live.example:7001/x",
		"https://[::1]:7001":                "https://[::1]:7001",
		"https://[::1]":                     "https://[::1]",
		"/var/lib/roomlog":                  "/var/lib/roomlog",
		"a.example:7001":                    "a.example:7001",
		"admin@live.example":                "admin@live.example",
		"tls://a.example:1,tls://b.example": "tls://a.example:1,tls://b.example",
		"https://anna:pw@live.example/x":    "https://xxxxx@live.example/x",
		"https://token@live.example":        "https://xxxxx@live.example",
		"https://live.example/?a=b":         "https://live.example/?xxxxx",
		"https://a:b@c:d@live.example":      "https://xxxxx@live.example",
		"//a:b@live.example":                "//xxxxx@live.example",
		"a:b@live.example":                  "xxxxx@live.example",
		"https://a:b/c@d@":                  "https://xxxxx@",
		"https://a:pa":                      "https://xxxxx",
	} {
		if got := settings.Redact(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
