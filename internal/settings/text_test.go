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
