package realtime

import (
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const (
	entryRate  = 500 // connections a second that enter this process's chat without signing in
	entryBurst = 5000

	addressEntryRate  = 20 // of them from one address
	addressEntryBurst = DefaultMaxPerAddress
	ratedAddresses    = 10_000 // that are remembered
)

// ChatPace is how fast one client may do things in the chat. It lasts as long as the client's session, whatever
// members come and go by it: who leaves and comes again has done no less.
type ChatPace struct {
	messages *rate.Limiter // of somebody who is not signed in
	deeds    *rate.Limiter // everything else that asks the log or the tables
	typings  *rate.Limiter
}

// Pace makes the pace of a client that has done nothing yet.
func (c *Chat) Pace() *ChatPace {
	cfg := c.door.cfg
	return &ChatPace{
		messages: rate.NewLimiter(rate.Limit(cfg.MessageRate), cfg.MessageBurst),
		deeds:    rate.NewLimiter(rate.Limit(cfg.MessageRate), cfg.MessageBurst),
		typings:  rate.NewLimiter(rate.Limit(cfg.TypingRate), 2*int(max(cfg.TypingRate, 1))),
	}
}

// entries bounds how many enter the chat without signing in: together, and before that from each address, so that
// nobody takes everybody's turns.
type entries struct {
	rates     *rates
	all       *rate.Limiter
	addresses *lru.Cache[string, *rate.Limiter]
}

func newEntries(r *rates) *entries {
	addresses, err := lru.New[string, *rate.Limiter](ratedAddresses)
	if err != nil {
		panic("realtime: " + err.Error()) // for a size below 1 only
	}
	return &entries{rates: r, all: rate.NewLimiter(entryRate, entryBurst), addresses: addresses}
}

// take counts one more from an address, "" for one that is not known, or refuses it.
func (e *entries) take(address string) error {
	if address != "" {
		fresh := rate.NewLimiter(addressEntryRate, addressEntryBurst)
		its, known := e.addresses.Get(address)
		if !known {
			if before, was, _ := e.addresses.PeekOrAdd(address, fresh); was {
				its = before
			} else {
				its = fresh
			}
		}
		if err := e.rates.take(its); err != nil {
			return err
		}
	}
	return e.rates.take(e.all)
}
