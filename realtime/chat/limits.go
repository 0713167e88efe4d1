package chat

import (
	"roomlog/domain"
	"roomlog/internal/limit"
)

// limitedUsers is the maximum number of users, and of addresses, whose rates are kept in memory.
const limitedUsers = 50_000

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

// newNamespaceMessages returns the limit of the messages to namespaces, of all clients of this node together.
func newNamespaceMessages(c Config) *limit.Bucket {
	return limit.NewBucket(limit.Rate{PerSecond: c.NamespaceMessageRate, Burst: 2 * int(max(c.NamespaceMessageRate, 1))})
}

// newAddressMessages returns the limit of the messages of each address to namespaces: half of the limit of all clients
// together, so that no address uses it up alone.
func newAddressMessages(c Config) *limit.Rates[string] {
	return limit.NewRates[string](limit.Rate{PerSecond: c.NamespaceMessageRate / 2, Burst: int(max(c.NamespaceMessageRate, 1))}, limitedUsers)
}

// newUserMessages returns the limit of the messages of each user on this node, over all connections.
func newUserMessages(c Config) *limit.Rates[domain.UserID] {
	return limit.NewRates[domain.UserID](limit.Rate{PerSecond: c.MessageRate, Burst: c.MessageBurst}, limitedUsers)
}
