package natsconn_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roomlog/internal/natsconn"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	credentials := filepath.Join(t.TempDir(), "user.creds")
	if err := os.WriteFile(credentials, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	type settings = natsconn.Settings
	type secrets = natsconn.Secrets
	remote := []string{"tls://nats1.example:4222", "tls://nats2.example:4222"}
	for name, c := range map[string]struct {
		settings settings
		secrets  secrets
		fault    string // "": valid
	}{
		"none":                              {},
		"this host without anything":        {settings: settings{NatsURL: []string{"nats://127.0.0.1:4222", "nats://[::1]:4222", "nats://localhost"}}},
		"another host with TLS and a token": {settings: settings{NatsURL: remote}, secrets: secrets{Token: "t"}},
		"another host with a password":      {settings: settings{NatsURL: remote, NatsUser: "roomlog"}, secrets: secrets{Password: "p"}},
		"another host with a file":          {settings: settings{NatsURL: remote, NatsCredentials: credentials}},
		"another host without TLS":          {settings{NatsURL: []string{"nats://10.0.0.7:4222"}}, secrets{Token: "t"}, "must begin with tls://"},
		"one of two without TLS":            {settings{NatsURL: []string{"tls://a.example", "nats://b.example"}}, secrets{Token: "t"}, "nats://b.example"},
		"a name that contains localhost":    {settings{NatsURL: []string{"nats://localhost.example:4222"}}, secrets{Token: "t"}, "must begin with tls://"},
		"another host without credentials":  {settings{NatsURL: remote}, secrets{}, "needs credentials"},
		"a user without a password":         {settings{NatsURL: remote, NatsUser: "roomlog"}, secrets{}, "need each other"},
		"a password without a user":         {settings{NatsURL: remote}, secrets{Password: "p"}, "need each other"},
		"two kinds of credentials":          {settings{NatsURL: remote, NatsUser: "roomlog"}, secrets{Password: "p", Token: "t"}, "exclude each other"},
		"user and file":                     {settings{NatsURL: remote, NatsUser: "roomlog", NatsCredentials: credentials}, secrets{Password: "p"}, "exclude each other"},
		"a password in the address":         {settings{NatsURL: []string{"tls://roomlog:hidden@nats.example"}}, secrets{}, "ROOMLOG_NATS_PASSWORD"},
		"another protocol":                  {settings{NatsURL: []string{"https://nats.example"}}, secrets{Token: "t"}, "begin with tls://"},
		"no address":                        {settings{NatsURL: []string{"nats.example:4222"}}, secrets{Token: "t"}, "addresses like"},
		"an address with a path":            {settings{NatsURL: []string{"tls://nats.example/x"}}, secrets{Token: "t"}, "addresses like"},
		"too many addresses":                {settings{NatsURL: make([]string, 33)}, secrets{}, "32 addresses (got 33)"},
		"a user without an address":         {settings{NatsUser: "roomlog"}, secrets{}, "need --nats-url"},
		"a missing file":                    {settings{NatsURL: remote, NatsCredentials: credentials + "x"}, secrets{}, "--nats-credentials: "},
		"a CA that is none":                 {settings{NatsURL: remote, NatsCA: credentials}, secrets{Token: "t"}, "contains no certificate"},
		"a certificate without a key":       {settings{NatsURL: remote, NatsCert: credentials}, secrets{}, "--nats-cert and --nats-key"},
		"a certificate that is none":        {settings{NatsURL: remote, NatsCert: credentials, NatsKey: credentials}, secrets{}, "--nats-cert: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.settings.CheckSettings()
			if err == nil {
				err = c.settings.CheckCredentials(c.secrets)
			}
			switch {
			case c.fault == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
				t.Errorf("got %v, want %q", err, c.fault)
			case err != nil && strings.Contains(err.Error(), "hidden"):
				t.Errorf("%v contains the password", err)
			}
		})
	}
}
