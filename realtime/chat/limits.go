package chat

import (
	"time"

	"roomlog/domain"
	"roomlog/internal/limit"
	"roomlog/realtime/hub"
)

const (
	entryRate         = 500 // anonymous participants per second that enter by this node
	entryBurst        = 5000
	addressEntryRate  = 20 // of them from one address
	addressEntryBurst = 1000
	openingRate       = 1 // chat rooms per second that sessions create by joining them
	openingBurst      = 100

	limitedAddresses = 10_000 // that are remembered
	limitedUsers     = 50_000 // that are remembered
)

// Limits bounds what one client does in the chat. It lasts as long as the connection of the client, whatever sessions
// come and go on it: leaving and entering again resets nothing.
type Limits struct {
	messages *limit.Bucket // of an anonymous participant
	queries  *limit.Bucket // everything else that uses the log or the tables
	typing   *limit.Bucket
}

// newLimits returns the Limits of a client that has done nothing yet.
func newLimits(c Config) *Limits {
	messages := limit.Rate{PerSecond: c.MessageRate, Burst: c.MessageBurst}
	return &Limits{
		messages: limit.NewBucket(messages), queries: limit.NewBucket(messages),
		typing: limit.NewBucket(limit.Rate{PerSecond: c.TypingRate, Burst: 2 * int(max(c.TypingRate, 1))}),
	}
}

// userLimits bounds the messages of each user on this node, over all connections.
type userLimits struct {
	messages *limit.Rates[domain.UserID]
}

func newUserLimits(c Config) userLimits {
	return userLimits{limit.NewRates[domain.UserID](limit.Rate{PerSecond: c.MessageRate, Burst: c.MessageBurst}, limitedUsers)}
}

// addressLimit bounds what anonymous clients do: first per address, then all together. One address alone cannot use up
// the limit for all.
type addressLimit struct {
	addresses *limit.Rates[string]
	all       *limit.Bucket
}

// newEntryLimit bounds the anonymous participants that enter.
func newEntryLimit() addressLimit {
	return addressLimit{
		limit.NewRates[string](limit.Rate{PerSecond: addressEntryRate, Burst: addressEntryBurst}, limitedAddresses),
		limit.NewBucket(limit.Rate{PerSecond: entryRate, Burst: entryBurst}),
	}
}

// newOpeningLimit bounds the chat rooms that sessions create by joining them.
func newOpeningLimit(c Config) addressLimit {
	return addressLimit{
		limit.NewRates[string](limit.PerMinute(c.RoomsPerAddress), limitedAddresses),
		limit.NewBucket(limit.Rate{PerSecond: openingRate, Burst: openingBurst}),
	}
}

// take counts an action from an address; "" is an unknown one.
func (l addressLimit) take(address string, now time.Time) error {
	if address != "" {
		if err := hub.Limited(l.addresses.Take(address, now)); err != nil {
			return err
		}
	}
	return hub.Limited(l.all.Take(now))
}
