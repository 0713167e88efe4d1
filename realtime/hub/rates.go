package hub

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"roomlog/domain"
)

// ratedPeople is how many people's rates are remembered. Who is forgotten may at once do as much as a
// burst allows, and no more.
const ratedPeople = 50_000

// rates bounds what one person does in this process, over all connections.
type rates struct {
	now    func() time.Time
	config Config
	people *lru.Cache[domain.UserID, *pace]
}

// pace is one person's.
type pace struct {
	comments, gifts *rate.Limiter
}

func newRates(cfg Config) *rates {
	people, err := lru.New[domain.UserID, *pace](ratedPeople)
	if err != nil {
		panic("realtime: " + err.Error()) // for a size below 1 only
	}
	return &rates{now: cfg.Now, config: cfg, people: people}
}

// allow refuses a command that comes too soon.
func (r *rates) allow(user domain.UserID, c domain.Command) error {
	switch c.(type) {
	case domain.PostComment:
		return Take(r.paceOf(user).comments, r.now())
	case domain.SendGift:
		return Take(r.paceOf(user).gifts, r.now())
	}
	return nil
}

func (r *rates) paceOf(user domain.UserID) *pace {
	if p, known := r.people.Get(user); known {
		return p
	}
	fresh := &pace{
		comments: rate.NewLimiter(rate.Limit(r.config.CommentRate), r.config.CommentBurst),
		gifts:    rate.NewLimiter(rate.Limit(r.config.GiftRate), r.config.GiftBurst),
	}
	if before, known, _ := r.people.PeekOrAdd(user, fresh); known {
		return before
	}
	return fresh
}

// Take counts one more action, or refuses it with the time to wait.
func Take(l *rate.Limiter, now time.Time) error {
	one := l.ReserveN(now, 1)
	delay := one.DelayFrom(now)
	if delay == 0 {
		return nil
	}
	one.CancelAt(now)
	return NewProblem(domain.CodeRateLimited, "too often: wait a moment").After(delay)
}
