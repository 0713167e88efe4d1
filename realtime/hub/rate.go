package hub

import (
	"time"

	"roomlog/domain"
	"roomlog/internal/limit"
)

// limitedUsers is the maximum number of users whose rates are kept in memory.
const limitedUsers = 50_000

// Rate is a limit that a command counts against. Each node limits each user separately.
type Rate int

const (
	// RateNone is for commands that are limited elsewhere: by the frame rate of the connection, or by the chat.
	RateNone Rate = iota
	// RateComments limits how many comments a user may post per second.
	RateComments
	// RateGifts limits how many gifts a user may send per second.
	RateGifts
)

// rates contains the limits of all users.
type rates map[Rate]*limit.Rates[domain.UserID]

func newRates(c Config) rates {
	return rates{
		RateComments: limit.NewRates[domain.UserID](limit.Rate{PerSecond: c.CommentRate, Burst: c.CommentBurst}, limitedUsers),
		RateGifts:    limit.NewRates[domain.UserID](limit.Rate{PerSecond: c.GiftRate, Burst: c.GiftBurst}, limitedUsers),
	}
}

// take counts a command of a user against a limit. It returns a *Problem if the limit is exceeded.
func (r rates) take(user domain.UserID, rate Rate, now time.Time) error {
	return Limited(r[rate].Take(user, now))
}

// Limited returns nil if ok is true, and otherwise a Problem with the time after which to retry. Its parameters are the
// results of the Take methods of package limit.
func Limited(retryAfter time.Duration, ok bool) error {
	if ok {
		return nil
	}
	return NewProblem(domain.CodeRateLimited, "too often: wait a moment").After(retryAfter)
}
