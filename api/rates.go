package api

import (
	"context"
	"strconv"
	"time"

	"roomlog/domain"
	"roomlog/internal/limit"
)

// rateClass selects the token bucket against which a request counts.
type rateClass int

// The rate classes. Each process has its own limits.
const (
	rateReads         rateClass = iota + 1 // counted per address
	rateSignIns                            // counted per address; api/signin also limits wrong passwords
	rateRegistrations                      // counted per address
	rateChatRooms                          // counted like rateReads; package ratelimit limits the command
	rateCommands                           // counted like rateReads; package ratelimit limits the command
	rateUploads                            // counted per user
	ratePayments                           // counted per address, so that the payment provider does not share a bucket with clients
)

// maxRateKeys is the maximum number of addresses or users whose buckets each class keeps in memory.
const maxRateKeys = 50_000

func (c rateClass) known() bool { return c >= rateReads && c <= ratePayments }

func (c rateClass) description() string {
	return [...]string{
		"", "Rate: reads by address.", "Rate: sign-ins by address, wrong passwords by name.", "Rate: registrations by address.",
		"Rate: reads and new chat rooms by address.", "Rate: reads by address, commands by user and by address.", "Rate: uploads by user.",
		"Rate: payment callbacks by address.",
	}[c]
}

// rates holds the rate limiters of this server.
type rates struct {
	now     func() time.Time
	classes map[rateClass]*limit.Rates[string]
}

func newRates(c Config) *rates {
	perMinute := func(n int) *limit.Rates[string] { return limit.NewRates[string](limit.PerMinute(n), maxRateKeys) }
	reads := perMinute(c.ReadsPerAddress)
	return &rates{now: c.Now, classes: map[rateClass]*limit.Rates[string]{
		rateReads:         reads,
		rateSignIns:       perMinute(c.SignInsPerAddress),
		rateRegistrations: perMinute(c.RegistrationsPerAddress),
		rateChatRooms:     reads,
		rateCommands:      reads,
		rateUploads:       perMinute(c.UploadsPerUser),
		ratePayments:      perMinute(c.PaymentsPerAddress),
	}}
}

// admit takes a token from the bucket of a request, or refuses with rate_limited. It does not count an upload without a
// valid token, because its endpoint refuses the request.
func (r *rates) admit(ctx context.Context, class rateClass) error {
	rc := requestOf(ctx)
	switch {
	case class != rateUploads:
		return r.take(r.classes[class], limit.Key(rc.addr))
	case rc.tokenError == nil:
		return r.take(r.classes[class], userKey(rc.caller.User))
	}
	return nil
}

func (r *rates) take(buckets *limit.Rates[string], key string) error {
	retryAfter, ok := buckets.Take(key, r.now())
	if ok {
		return nil
	}
	return rateLimited("too many requests: try again later", retryAfter)
}

// rateLimited returns the failure for a request that exceeds a rate.
func rateLimited(english string, retryAfter time.Duration) *failure {
	f := newFailure(domain.CodeRateLimited, english, nil)
	f.retryAfter = max(retryAfter, time.Second)
	return f
}

func userKey(id domain.UserID) string { return strconv.FormatInt(int64(id), 10) }
