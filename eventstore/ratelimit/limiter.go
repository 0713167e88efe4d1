package ratelimit

import (
	"context"
	"sync/atomic"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/limit"
)

// The maximum numbers of users and addresses whose buckets are kept in memory.
const (
	limitedUsers     = 50_000
	limitedAddresses = 50_000
)

// The rates of all anonymous clients of this node together. The rate of each address is checked first, so that one
// address cannot use up these rates.
var (
	anonymousEntries = limit.Rate{PerSecond: 500, Burst: 5000} // entries into the chat
	newChatRooms     = limit.Rate{PerSecond: 1, Burst: 100}
)

// class is a group of commands that count against the same rate of a user.
type class int

const (
	change class = iota // all commands that are not in classes
	join
	post
)

// classes contains the commands of the other classes.
var classes = map[string]class{
	domain.JoinLive{}.Type():        join,
	domain.EnterChat{}.Type():       join,
	domain.JoinChatRoom{}.Type():    join,
	domain.LeaveChatRoom{}.Type():   join,
	domain.PostComment{}.Type():     post,
	domain.PostMessage{}.Type():     post,
	domain.ExchangeMessage{}.Type(): post,
	domain.SendGift{}.Type():        post,
}

// Limiter passes commands of clients on to an Executor, unless they exceed a rate. It is safe for concurrent use.
type Limiter struct {
	commands  Executor
	now       func() time.Time
	users     map[class]*limit.Rates[domain.UserID]
	addresses *limit.Rates[string] // addresses of signed-in users
	anonymous *limit.Rates[string] // addresses of clients that are not signed in
	entries   *limit.Bucket        // limits the entries of all anonymous participants together
	rooms     roomLimits
	words     *limit.Rates[domain.UserID]
	refused   atomic.Uint64
}

// wordChanges is the rate at which one user may change lists of words. It is lower than the rate of all changes,
// because each event has up to 32 KB.
var wordChanges = limit.Rate{PerSecond: 0.1, Burst: 60}

// roomLimits holds the limits of new chat rooms.
type roomLimits struct {
	perMinute, perDay *limit.Rates[string] // limits of each address
	all               *limit.Bucket
}

func (l roomLimits) take(address string, now time.Time) error {
	if err := exceeded(l.perMinute.Take(address, now)); err != nil {
		return err
	}
	if err := exceeded(l.perDay.Take(address, now)); err != nil {
		return err
	}
	return exceeded(l.all.Take(now))
}

// New returns a Limiter with the rates in c.
func New(c Config) (*Limiter, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	user := func(perSecond float64, burst int) *limit.Rates[domain.UserID] {
		return limit.NewRates[domain.UserID](limit.Rate{PerSecond: perSecond, Burst: burst}, limitedUsers)
	}
	address := func(r limit.Rate) *limit.Rates[string] { return limit.NewRates[string](r, limitedAddresses) }
	return &Limiter{
		commands: c.Commands, now: c.Now,
		users: map[class]*limit.Rates[domain.UserID]{
			change: user(c.ChangeRate, c.ChangeBurst), join: user(c.JoinRate, c.JoinBurst), post: user(c.PostRate, c.PostBurst),
		},
		addresses: address(limit.Rate{PerSecond: c.CommandsPerAddress, Burst: c.AddressBurst}),
		anonymous: address(limit.Rate{PerSecond: c.AnonymousPerAddress, Burst: c.AnonymousBurst}),
		entries:   limit.NewBucket(anonymousEntries),
		words:     limit.NewRates[domain.UserID](wordChanges, limitedUsers),
		rooms: roomLimits{
			address(limit.PerMinute(c.ChatRoomsPerAddress)), address(limit.PerDay(c.ChatRoomsPerDay)), limit.NewBucket(newChatRooms),
		},
	}, nil
}

// Execute executes a command. If the user or the address has executed too many commands, it returns an *Exceeded. The
// address of the client is the one that limit.WithAddress has added to ctx; all clients without an address are counted
// together.
func (l *Limiter) Execute(ctx context.Context, r domain.Request) (eventstore.Receipt, error) {
	if err := l.take(ctx, r); err != nil {
		l.refused.Add(1)
		return eventstore.Receipt{}, err
	}
	return l.commands.Execute(ctx, r)
}

// Refused returns the number of commands that were refused because of a rate.
func (l *Limiter) Refused() uint64 { return l.refused.Load() }

type onBehalf struct{}

// OnBehalfOf returns a context in which commands of the payment provider and of the system count against the rates of
// the user who has requested them.
func OnBehalfOf(ctx context.Context, user domain.UserID) context.Context {
	return context.WithValue(ctx, onBehalf{}, user)
}

// take counts a command of a client. It returns an error if a rate is exceeded.
func (l *Limiter) take(ctx context.Context, r domain.Request) error {
	address, now := limit.AddressOf(ctx), l.now()
	if user, ok := ctx.Value(onBehalf{}).(domain.UserID); ok && r.Command != nil && r.Actor.User == 0 {
		return l.takeOfUser(address, domain.Request{Command: r.Command, Actor: domain.Actor{Kind: domain.Authenticated, User: user}}, now)
	}
	anonymous := r.Actor.Kind == domain.Anonymous
	var err error
	switch {
	case r.Command == nil:
		return nil // not counted: the log refuses this command
	case anonymous:
		err = exceeded(l.anonymous.Take(address, now))
	case r.Actor.Kind == domain.Authenticated:
		err = l.takeOfUser(address, r, now)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	switch r.Command.(type) {
	case domain.CreateChatRoom:
		return l.rooms.take(address, now)
	case domain.EnterChat:
		if anonymous {
			return exceeded(l.entries.Take(now))
		}
	}
	return nil
}

// takeOfUser counts a command of a signed-in user. The rate of the user comes first. A user who exceeds it then uses
// nothing of the rate that all users at the address share.
func (l *Limiter) takeOfUser(address string, r domain.Request, now time.Time) error {
	if err := exceeded(l.users[classes[r.Command.Type()]].Take(r.Actor.User, now)); err != nil {
		return err
	}
	switch r.Command.(type) {
	case domain.AddWords, domain.RemoveWords:
		if err := exceeded(l.words.Take(r.Actor.User, now)); err != nil {
			return err
		}
	}
	return exceeded(l.addresses.Take(address, now))
}

// Exceeded is the error for a command that exceeds a rate. It wraps a *domain.Refusal with the code rate_limited. The
// command was not executed.
type Exceeded struct {
	RetryAfter time.Duration // time until the rate permits the next command
}

func exceeded(retryAfter time.Duration, ok bool) error {
	if ok {
		return nil
	}
	return &Exceeded{retryAfter}
}

var refusal = &domain.Refusal{Code: domain.CodeRateLimited, Text: "too often: wait a moment"}

// Error returns the message of the refusal.
func (*Exceeded) Error() string { return refusal.Error() }

// Unwrap returns the refusal.
func (*Exceeded) Unwrap() error { return refusal }
