package hooks

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"roomlog/internal/settings"
)

const (
	firstRetry      = 200 * time.Millisecond
	lastRetry       = 15 * time.Second
	shutdownTimeout = 4 * time.Second // time for notifications that are queued when Run ends
	maxConns        = 64              // maximum number of requests of each kind of pre hook that are sent at the same time
	addresses       = 10_000          // maximum number of addresses whose connect hooks are counted; likewise for play hooks
	admittedFor     = time.Minute     // time for which a fetch that the receiver has accepted is not sent again
	maxAdmitted     = 10_000          // maximum number of accepted fetches that are remembered
	minSecret       = 16              // minimum length of the secret in bytes
	maxArgs         = 32              // maximum number of arguments of a queued notification
	maxArg          = 256             // maximum number of bytes of an argument or its name in a queued notification
)

// The values of Config.HookFailure.
const (
	FailureRejects = "reject"
	FailureAccepts = "allow"
)

// Config configures Hooks. HookURL, HookSecret, Node and Now are required.
type Config struct {
	HookSecret string // secret that signs every request
	Node       string // name of this node
	Now        func() time.Time
	Log        *slog.Logger // receives the messages of the program; nil: none

	HookURL     string        `placeholder:"URL" help:"URL of your service that receives webhooks about connections, publishers and players, by POST. Default: no webhooks."`
	HookTimeout time.Duration `default:"3s" min:"10ms" max:"4900ms" help:"Maximum duration of one webhook request."`
	HookFailure string        `default:"reject" oneof:"reject,allow" help:"Decision about a client when the webhook request fails: reject refuses the client, which may try again later; allow admits a client with a valid sign."`
	// RetryFor is the time for which a post or done hook is retried.
	RetryFor time.Duration `default:"10m"`
	// ConnectsPerMinute is the number of connect hooks that the clients of one address may cause in a minute, and at once.
	// Play hooks for HLS and pictures have the same limit, and are counted separately.
	ConnectsPerMinute int `default:"600"`
	// QueueLength is the maximum number of queued notifications. Half of them may be about broadcasts, and half about connections
	// and players.
	QueueLength int `default:"10000"`
}

// CheckSettings returns an error if HookURL is set but is not an HTTP URL.
func (c *Config) CheckSettings() error {
	if c.HookURL != "" && !settings.IsHTTPURL(c.HookURL) {
		return fmt.Errorf("--hook-url must be a URL such as https://hooks.example/media (got %q)", c.HookURL)
	}
	return nil
}

// CheckSecret returns an error if secret is too short for Config.HookSecret. The error does not contain the secret.
func CheckSecret(secret string) error {
	if len(secret) < minSecret {
		return fmt.Errorf("webhook secret must have at least %d bytes (got %d)", minSecret, len(secret))
	}
	return nil
}

func (c Config) withDefaults() (Config, error) {
	settings.Defaults(&c)
	if err := settings.Check(&c); err != nil {
		return c, err
	}
	if err := CheckSecret(c.HookSecret); err != nil {
		return c, err
	}
	switch {
	case c.HookURL == "" || c.Node == "" || c.Now == nil:
		return c, errors.New("hooks: HookURL, Node and Now of Config are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
