package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/ratelimit"
	"roomlog/internal/limit"
)

// counter is an Executor that counts the commands that reach it.
type counter int

func (c *counter) Execute(context.Context, domain.Request) (eventstore.Receipt, error) {
	*c++
	return eventstore.Receipt{}, nil
}

// flood executes a command a thousand times and returns how many reached the log. r and address return the request and
// the client address of each call.
func flood(t *testing.T, r func(i int) domain.Request, address func(i int) string) int {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // the clock does not move, so only the burst of each rate is accepted
	var reached counter
	l, err := ratelimit.New(ratelimit.Config{
		Commands: &reached, Now: func() time.Time { return now },
		JoinBurst: 20, ChangeBurst: 20, PostBurst: 20, AddressBurst: 50, AnonymousBurst: 30, ChatRoomsPerAddress: 60, ChatRoomsPerDay: 70,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		_, err := l.Execute(limit.WithAddress(t.Context(), address(i)), r(i))
		var exceeded *ratelimit.Exceeded
		switch refusal := domain.AsRefusal(err); {
		case err == nil:
		case !errors.As(err, &exceeded) || exceeded.RetryAfter <= 0 || refusal == nil || refusal.Code != domain.CodeRateLimited:
			t.Fatalf("got %v", err)
		}
	}
	if int(reached)+int(l.Refused()) != 1000 {
		t.Errorf("%d commands were executed and %d refused", reached, l.Refused())
	}
	return int(reached)
}

// TestEveryCommandHasARate floods every command of the catalogue, as one user from many addresses, as many users from
// one address, and without a sign-in from one address.
func TestEveryCommandHasARate(t *testing.T) {
	t.Parallel()
	one := func(int) string { return "203.0.113.1" }
	many := func(i int) string { return string(rune(i)) }
	if len(domain.Commands) < 40 {
		t.Fatalf("%d commands are in the catalogue", len(domain.Commands))
	}
	for _, spec := range domain.Commands {
		command := reflect.New(reflect.TypeOf(spec.Zero)).Elem().Interface().(domain.Command)
		t.Run(spec.Type, func(t *testing.T) {
			if n := flood(t, func(int) domain.Request {
				return domain.Request{Command: command, Actor: domain.AuthenticatedActor(7, "s")}
			}, many); n != 20 {
				t.Errorf("one user from many addresses: %d of 1000 are executed, want 20", n)
			}
			if n := flood(t, func(i int) domain.Request {
				return domain.Request{Command: command, Actor: domain.AuthenticatedActor(domain.UserID(i+1), "s")}
			}, one); n != 50 {
				t.Errorf("many users from one address: %d of 1000 are executed, want 50", n)
			}
			if n := flood(t, func(int) domain.Request { return domain.Request{Command: command} }, one); n != 30 {
				t.Errorf("without a sign-in from one address: %d of 1000 are executed, want 30", n)
			}
		})
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	one := func(int) string { return "203.0.113.1" }
	t.Run("does not limit the system, operators at the command line and the payment provider", func(t *testing.T) {
		t.Parallel()
		for _, kind := range []domain.ActorKind{domain.System, domain.Operator, domain.PaymentProvider} {
			if n := flood(t, func(int) domain.Request {
				return domain.Request{Command: domain.LeaveLive{}, Actor: domain.Actor{Kind: kind}}
			}, one); n != 1000 {
				t.Errorf("kind %d: %d of 1000 are executed, want 1000", kind, n)
			}
		}
	})
	t.Run("limits a command that the payment provider executes for a user", func(t *testing.T) {
		t.Parallel()
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var reached counter
		l, err := ratelimit.New(ratelimit.Config{Commands: &reached, Now: func() time.Time { return now }, ChangeBurst: 20})
		if err != nil {
			t.Fatal(err)
		}
		ctx := ratelimit.OnBehalfOf(t.Context(), 7)
		for range 100 {
			_, _ = l.Execute(ctx, domain.Request{Command: domain.PayOrder{}, Actor: domain.Actor{Kind: domain.PaymentProvider}})
		}
		if reached != 20 {
			t.Errorf("%d of 100 are executed, want 20", reached)
		}
	})
	t.Run("limits changes of lists of words below other changes", func(t *testing.T) {
		t.Parallel()
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var reached counter
		l, err := ratelimit.New(ratelimit.Config{Commands: &reached, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		execute := func(c domain.Command) {
			for range 100 {
				_, _ = l.Execute(t.Context(), domain.Request{Command: c, Actor: domain.AuthenticatedActor(7, "s")})
			}
		}
		execute(domain.AddWords{})
		if reached != 60 {
			t.Errorf("%d of 100 are executed, want 60", reached)
		}
		execute(domain.CreateLive{})
		if reached != 80 {
			t.Errorf("%d are executed after another command, want 80", reached)
		}
	})
	t.Run("counts no command of a user above the own rate against the address", func(t *testing.T) {
		t.Parallel()
		if n := flood(t, func(i int) domain.Request {
			user := domain.UserID(1)
			if i >= 900 {
				user = 2
			}
			return domain.Request{Command: domain.JoinLive{Live: 1}, Actor: domain.AuthenticatedActor(user, "s")}
		}, one); n != 40 {
			t.Errorf("%d are executed: the second user pays for the first, want 40", n)
		}
	})
	t.Run("limits new chat rooms of an address, signed in or not, per minute and per day", func(t *testing.T) {
		t.Parallel()
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var reached counter
		l, err := ratelimit.New(ratelimit.Config{Commands: &reached, Now: func() time.Time { return now }, ChatRoomsPerAddress: 2, ChatRoomsPerDay: 3})
		if err != nil {
			t.Fatal(err)
		}
		create := func(address string, by domain.Actor) int {
			before := reached
			_, _ = l.Execute(limit.WithAddress(t.Context(), address), domain.Request{Command: domain.CreateChatRoom{}, Actor: by})
			return int(reached - before)
		}
		user := domain.AuthenticatedActor(1, "s")
		got := []int{create("203.0.113.1", domain.Actor{}), create("203.0.113.1", user), create("203.0.113.1", domain.Actor{}), create("203.0.113.2", domain.Actor{})}
		now = now.Add(time.Minute)
		got = append(got, create("203.0.113.1", user), create("203.0.113.1", user))
		if want := []int{1, 1, 0, 1, 1, 0}; !slices.Equal(got, want) {
			t.Errorf("executed: %v, want %v", got, want)
		}
	})
	t.Run("limits anonymous entries and new chat rooms of all addresses together", func(t *testing.T) {
		t.Parallel()
		for _, test := range []struct {
			command domain.Command
			by      domain.Actor
			want    int
		}{
			{domain.EnterChat{}, domain.Actor{}, 5000},
			{domain.EnterChat{}, domain.AuthenticatedActor(1, "s"), 6000},
			{domain.CreateChatRoom{}, domain.Actor{}, 100},
		} {
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			var reached counter
			l, err := ratelimit.New(ratelimit.Config{Commands: &reached, Now: func() time.Time { return now }, JoinBurst: 10_000})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 6000 {
				_, _ = l.Execute(limit.WithAddress(t.Context(), fmt.Sprint(i)), domain.Request{Command: test.command, Actor: test.by})
			}
			if int(reached) != test.want {
				t.Errorf("%s: %d of 6000 are executed, want %d", test.command.Type(), reached, test.want)
			}
		}
	})
	t.Run("needs its dependencies", func(t *testing.T) {
		t.Parallel()
		if _, err := ratelimit.New(ratelimit.Config{}); err == nil {
			t.Fatal("no error")
		}
	})
}
