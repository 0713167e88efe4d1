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
	rateChatRooms                          // counted per address
	rateWrites                             // counted per user
	rateUploads                            // counted per user
	ratePayments                           // counted per address, so that the payment provider does not share a bucket with clients
)

// maxRateKeys is the maximum number of addresses or users whose buckets each class keeps in memory.
const maxRateKeys = 50_000

func (c rateClass) known() bool { return c >= rateReads && c <= ratePayments }

func (c rateClass) description() string {
	return [...]string{
		"", "Rate: reads by address.", "Rate: sign-ins by address, wrong passwords by name.", "Rate: registrations by address.",
		"Rate: new chat rooms by address, per minute and per day.", "Rate: commands by user.", "Rate: uploads by user.",
		"Rate: payment callbacks by address.",
	}[c]
}

// rates holds the rate limiters of this server.
type rates struct {
	now     func() time.Time
	classes map[rateClass]*limit.Rates[string]
	rooms   *limit.Rates[string] // new chat rooms in a day, counted per address
}

func newRates(c Config) *rates {
	perMinute := func(n int) *limit.Rates[string] { return limit.NewRates[string](limit.PerMinute(n), maxRateKeys) }
	rooms := limit.NewRates[string](limit.PerDay(c.ChatRoomsPerDay), maxRateKeys)
	return &rates{now: c.Now, rooms: rooms, classes: map[rateClass]*limit.Rates[string]{
		rateReads:         perMinute(c.ReadsPerAddress),
		rateSignIns:       perMinute(c.SignInsPerAddress),
		rateRegistrations: perMinute(c.RegistrationsPerAddress),
		rateChatRooms:     perMinute(c.ChatRoomsPerAddress),
		rateWrites:        perMinute(c.WritesPerUser),
		rateUploads:       perMinute(c.UploadsPerUser),
		ratePayments:      perMinute(c.PaymentsPerAddress),
	}}
}

// admit takes a token from the bucket of a request, or refuses with rate_limited. It does not count a request that is
// counted per user but has no valid token, because its endpoint refuses the request.
func (r *rates) admit(ctx context.Context, class rateClass) error {
	rc := requestOf(ctx)
	byUser := class == rateWrites || class == rateUploads
	switch {
	case !byUser:
		err := r.take(r.classes[class], limit.Key(rc.addr))
		if err == nil && class == rateChatRooms {
			err = r.take(r.rooms, limit.Key(rc.addr))
		}
		return err
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
