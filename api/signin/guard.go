package signin

import (
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/internal/limit"
)

// maxKeys is the maximum number of keys of each kind in memory. If there are more, the least recently used key is
// dropped: its bucket is full again, or its address counts as unknown again.
const maxKeys = 50_000

// Config configures a Guard. All fields are required.
type Config struct {
	PerDevice int // wrong passwords per minute for one username from one address or known device
	PerName   int // wrong passwords per minute for one username from all unknown addresses and devices together
	Now       func() time.Time
}

// Guard decides whether an attempt to sign in may check a password. It is safe for concurrent use. Each process has a
// separate Guard.
type Guard struct {
	now     func() time.Time
	devices *limit.Rates[string]
	unknown *limit.Rates[string]
	known   *lru.Cache[string, struct{}] // addresses that have signed in, each with the username
}

// NewGuard returns a Guard that allows the numbers of wrong passwords in c.
func NewGuard(c Config) (*Guard, error) {
	known, err := lru.New[string, struct{}](maxKeys)
	if err != nil {
		return nil, fmt.Errorf("signin: %w", err)
	}
	return &Guard{
		now: c.Now, known: known,
		devices: limit.NewRates[string](limit.PerMinute(c.PerDevice), maxKeys),
		unknown: limit.NewRates[string](limit.PerMinute(c.PerName), maxKeys),
	}, nil
}

// Attempt describes an attempt to sign in.
type Attempt struct {
	Name    string // keyed hash of the username
	Address string // address of the client
	// Device identifies the device of a client that has sent a token of this user, even if the token has expired. It is
	// empty for other clients.
	Device string
}

// address returns the key under which attempts with this username from this address are counted.
func (a Attempt) address() string { return a.Name + " address " + a.Address }

// Outcome is the result of an attempt.
type Outcome int

// The outcomes.
const (
	Undecided Outcome = iota // the password was not checked
	Wrong
	Right
)

// Begin reports whether an attempt may check its password. If so, the caller must call end with the outcome. Until then
// the attempt counts as a wrong password, so that concurrent attempts cannot exceed the limits. If not, the attempt
// does not count, and Begin returns the time until the next attempt may succeed.
func (g *Guard) Begin(a Attempt) (end func(Outcome), retryAfter time.Duration, ok bool) {
	device, unknown := a.address(), false
	if a.Device != "" {
		device = a.Name + " device " + a.Device
	} else {
		unknown = !g.known.Contains(device)
	}
	now := g.now()
	if retryAfter, ok = g.devices.Take(device, now); !ok {
		return nil, retryAfter, false
	}
	if unknown {
		if retryAfter, ok = g.unknown.Take(a.Name, now); !ok {
			g.devices.Return(device, now)
			return nil, retryAfter, false
		}
	}
	return func(outcome Outcome) { g.end(a, device, unknown, outcome) }, 0, true
}

func (g *Guard) end(a Attempt, device string, unknown bool, outcome Outcome) {
	if outcome == Wrong {
		return
	}
	now := g.now()
	g.devices.Return(device, now)
	if unknown {
		g.unknown.Return(a.Name, now)
	}
	if outcome == Right {
		g.known.Add(a.address(), struct{}{})
	}
}
