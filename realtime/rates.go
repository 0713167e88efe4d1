package realtime

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
	comments, gifts, messages *rate.Limiter
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
		return r.take(r.paceOf(user).comments)
	case domain.SendGift:
		return r.take(r.paceOf(user).gifts)
	case domain.PostMessage:
		return r.take(r.paceOf(user).messages)
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
		messages: rate.NewLimiter(rate.Limit(r.config.MessageRate), r.config.MessageBurst),
	}
	if before, known, _ := r.people.PeekOrAdd(user, fresh); known {
		return before
	}
	return fresh
}

// take counts one more, or refuses it and says when to come back.
func (r *rates) take(l *rate.Limiter) error {
	now := r.now()
	one := l.ReserveN(now, 1)
	delay := one.DelayFrom(now)
	if delay == 0 {
		return nil
	}
	one.CancelAt(now)
	return newProblem(domain.CodeRateLimited, "too often: wait a moment").after(delay)
}
