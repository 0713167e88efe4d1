package api

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/go-chi/httprate"

	"roomlog/domain"
)

// limits are the rates of this door, each for itself and for this process alone.
type limits struct {
	signInsByAddress, signInsByName, registrations, writes, uploads, rooms rate
}

func newLimits(c Config) limits {
	return limits{
		signInsByAddress: perMinute(c.SignInsByAddress),
		signInsByName:    perMinute(c.SignInsByName),
		registrations:    perMinute(c.RegistrationsByAddress),
		writes:           perMinute(c.WritesByUser),
		uploads:          perMinute(c.UploadsByUser),
		rooms:            perMinute(c.RoomsByAddress),
	}
}

// rate admits so many a minute of each key.
type rate struct {
	limiter *httprate.RateLimiter
	request *http.Request // an empty one: the limiter asks it for nothing but a context
}

func perMinute(n int) rate {
	none := httprate.ResponseHeaders{} // the door's own answer says when to come back
	return rate{httprate.NewRateLimiter(n, time.Minute, httprate.WithResponseHeaders(none)), new(http.Request)}
}

// admit counts one more of key, or refuses it.
func (r rate) admit(key string) error {
	if !r.limiter.OnLimit(nil, r.request, key) {
		return nil
	}
	f := fail(domain.CodeRateLimited, "too often: try again later", nil)
	f.retry = time.Minute
	return f
}

// byAddress is the key of whoever sits behind an address: of IPv6 the network, since everybody
// there has countless addresses.
func byAddress(a netip.Addr) string { return httprate.CanonicalizeIP(a.String()) }

func byUser(id domain.UserID) string { return strconv.FormatInt(int64(id), 10) }
