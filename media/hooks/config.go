package hooks

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// The values that a zero Config means.
const (
	// DefaultTimeout is for one delivery. A gate has five seconds in all.
	DefaultTimeout = 3 * time.Second
	// DefaultRetryFor is how long a post or done hook is tried again.
	DefaultRetryFor = 10 * time.Minute
	// DefaultQueueLength is how many of them may wait. Those of connect and play find room in the first half of it only:
	// strangers can bring about any number of them, and shall not crowd out those of publish.
	DefaultQueueLength = 10_000
)

const (
	firstPause = 200 * time.Millisecond // before a delivery is tried again, twice as long each time
	longPause  = 15 * time.Second
	farewell   = 4 * time.Second // for what waits when the process stops
	mostAnswer = 4 << 10         // bytes that are read of an answer
	connsAt    = 64              // connections to the receiver
	minSecret  = 16
	mostArgs   = 32  // of a hook that waits
	mostArg    = 256 // bytes of one, and of its name
)

// Config is what Hooks are made of. The first group has to be given; of the rest zero means the default.
type Config struct {
	HookURL    string
	HookSecret string // signs every delivery
	Node       string // names this process
	Now        func() time.Time

	Log *slog.Logger // nil: silent
	// AllowOnFailure accepts whom a pre hook could not be asked about. Otherwise they are told to try again later.
	AllowOnFailure bool
	HookTimeout    time.Duration
	RetryFor       time.Duration
	QueueLength    int
}

func (c Config) withDefaults() (Config, error) {
	where, err := url.Parse(c.HookURL)
	switch {
	case err != nil || where.Scheme != "http" && where.Scheme != "https" || where.Host == "":
		return c, fmt.Errorf("hooks: %q is not like https://hooks.example/media", c.HookURL)
	case len(c.HookSecret) < minSecret:
		return c, fmt.Errorf("hooks: the secret has %d bytes, want at least %d", len(c.HookSecret), minSecret)
	case c.Node == "" || c.Now == nil:
		return c, errors.New("hooks: Process and Now are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.HookTimeout = cmp.Or(c.HookTimeout, DefaultTimeout)
	c.RetryFor = cmp.Or(c.RetryFor, DefaultRetryFor)
	c.QueueLength = cmp.Or(c.QueueLength, DefaultQueueLength)
	return c, nil
}
