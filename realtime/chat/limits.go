package chat

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"roomlog/domain"
	"roomlog/realtime/hub"
)

const (
	entryRate  = 500 // connections a second that enter this process's chat without signing in
	entryBurst = 5000

	addressEntryRate  = 20 // of them from one address
	addressEntryBurst = 1000
	ratedAddresses    = 10_000 // that are remembered
	limitedUsers      = 50_000 // that are remembered

	openingRate  = 1 // rooms a second that people open by going there
	openingBurst = 100
)

// Limits is how fast one client may do things in the chat. It lasts as long as the client's session, whatever
// members come and go by it: who leaves and comes again has done no less.
type Limits struct {
	messages *rate.Limiter // of somebody who is not signed in
	deeds    *rate.Limiter // everything else that asks the log or the tables
	typings  *rate.Limiter
}

// NewLimits makes the pace of a client that has done nothing yet.
func (c *Chat) NewLimits() *Limits {
	cfg := c.cfg
	return &Limits{
		messages: rate.NewLimiter(rate.Limit(cfg.MessageRate), cfg.MessageBurst),
		deeds:    rate.NewLimiter(rate.Limit(cfg.MessageRate), cfg.MessageBurst),
		typings:  rate.NewLimiter(rate.Limit(cfg.TypingRate), 2*int(max(cfg.TypingRate, 1))),
	}
}

// turns bounds how often people do something who need not be signed in: together, and before that from each address,
// so that nobody takes everybody's.
type turns struct {
	now       func() time.Time
	all       *rate.Limiter
	each      func() *rate.Limiter // of one address
	addresses *lru.Cache[string, *rate.Limiter]
}

func newTurns(now func() time.Time, all *rate.Limiter, each func() *rate.Limiter) *turns {
	addresses, err := lru.New[string, *rate.Limiter](ratedAddresses)
	if err != nil {
		panic("realtime: " + err.Error()) // for a size below 1 only
	}
	return &turns{now: now, all: all, each: each, addresses: addresses}
}

// newEntries bounds how many enter the chat without signing in.
func newEntries(cfg Config) *turns {
	return newTurns(cfg.Now, rate.NewLimiter(entryRate, entryBurst), func() *rate.Limiter {
		return rate.NewLimiter(addressEntryRate, addressEntryBurst)
	})
}

// newOpenings bounds how many rooms people open by going there.
func newOpenings(cfg Config) *turns {
	return newTurns(cfg.Now, rate.NewLimiter(openingRate, openingBurst), func() *rate.Limiter {
		return rate.NewLimiter(rate.Limit(float64(cfg.RoomsPerAddress)/60), cfg.RoomsPerAddress)
	})
}

// take counts one more from an address, "" for one that is not known, or refuses it.
func (t *turns) take(address string) error {
	if address != "" {
		its, known := t.addresses.Get(address)
		if !known {
			its = t.each()
			if before, was, _ := t.addresses.PeekOrAdd(address, its); was {
				its = before
			}
		}
		if err := hub.Take(its, t.now()); err != nil {
			return err
		}
	}
	return hub.Take(t.all, t.now())
}

// peopleRates bounds the messages of each user on this node, over all connections.
type peopleRates struct {
	cfg   Config
	users *lru.Cache[domain.UserID, *rate.Limiter]
}

func newPeopleRates(cfg Config) *peopleRates {
	users, err := lru.New[domain.UserID, *rate.Limiter](limitedUsers)
	if err != nil {
		panic("realtime: " + err.Error()) // for a size below 1 only
	}
	return &peopleRates{cfg: cfg, users: users}
}

// take counts one more message of a user, or refuses it.
func (r *peopleRates) take(user domain.UserID) error {
	its, known := r.users.Get(user)
	if !known {
		its = rate.NewLimiter(rate.Limit(r.cfg.MessageRate), r.cfg.MessageBurst)
		if before, was, _ := r.users.PeekOrAdd(user, its); was {
			its = before
		}
	}
	return hub.Take(its, r.cfg.Now())
}
