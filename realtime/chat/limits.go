package chat

import (
	"time"

	"roomlog/domain"
	"roomlog/internal/limit"
	"roomlog/realtime/hub"
)

const (
	entryRate         = 500 // anonymous participants per second that may enter through this node
	entryBurst        = 5000
	addressEntryRate  = 20 // anonymous participants per second that may enter from one address
	addressEntryBurst = 1000
	openingRate       = 1 // number of chat rooms per second that chat sessions may create by joining them
	openingBurst      = 100

	limitedAddresses = 10_000 // maximum number of addresses in memory
	limitedUsers     = 50_000 // maximum number of users in memory
)

// Limits contains the rate limits of one client in the chat. It exists as long as the connection of the client: leaving
// and entering the chat does not reset the limits.
type Limits struct {
	messages *limit.Bucket // limits messages of an anonymous participant
	queries  *limit.Bucket // limits all other operations that use the log or the tables
	typing   *limit.Bucket
}

// newLimits returns the rate limits of a new client.
func newLimits(c Config) *Limits {
	messages := limit.Rate{PerSecond: c.MessageRate, Burst: c.MessageBurst}
	return &Limits{
		messages: limit.NewBucket(messages), queries: limit.NewBucket(messages),
		typing: limit.NewBucket(limit.Rate{PerSecond: c.TypingRate, Burst: 2 * int(max(c.TypingRate, 1))}),
	}
}

// userLimits limits the messages of each user on this node, over all connections.
type userLimits struct {
	messages *limit.Rates[domain.UserID]
}

func newUserLimits(c Config) userLimits {
	return userLimits{limit.NewRates[domain.UserID](limit.Rate{PerSecond: c.MessageRate, Burst: c.MessageBurst}, limitedUsers)}
}

// addressLimit limits the actions of anonymous clients, first per address and then in total. One address can therefore
// not use up the total.
type addressLimit struct {
	addresses *limit.Rates[string]
	all       *limit.Bucket
}

// newEntryLimit returns the limit for anonymous participants who enter the chat.
func newEntryLimit() addressLimit {
	return addressLimit{
		limit.NewRates[string](limit.Rate{PerSecond: addressEntryRate, Burst: addressEntryBurst}, limitedAddresses),
		limit.NewBucket(limit.Rate{PerSecond: entryRate, Burst: entryBurst}),
	}
}

// newDailyLimit returns the limit for chat rooms that chat sessions create from one address in a day.
func newDailyLimit(c Config) *limit.Rates[string] {
	return limit.NewRates[string](limit.PerDay(c.RoomsPerDay), limitedAddresses)
}

// newOpeningLimit returns the limit for chat rooms that chat sessions create by joining them.
func newOpeningLimit(c Config) addressLimit {
	return addressLimit{
		limit.NewRates[string](limit.PerMinute(c.RoomsPerAddress), limitedAddresses),
		limit.NewBucket(limit.Rate{PerSecond: openingRate, Burst: openingBurst}),
	}
}

// take counts an action from an address; "" stands for all unknown addresses. It returns a *hub.Problem if the rate is
// exceeded.
func (l addressLimit) take(address string, now time.Time) error {
	if address != "" {
		if err := hub.Limited(l.addresses.Take(address, now)); err != nil {
			return err
		}
	}
	return hub.Limited(l.all.Take(now))
}
