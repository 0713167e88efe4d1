package signin_test

import (
	"fmt"
	"testing"
	"time"

	"roomlog/api/signin"
)

// clock is a clock that the test sets.
type clock struct{ now time.Time }

func newGuard(t *testing.T) (*signin.Guard, *clock) {
	t.Helper()
	c := &clock{time.Unix(1_700_000_000, 0)}
	g, err := signin.NewGuard(signin.Config{PerDevice: 3, PerName: 6, Now: func() time.Time { return c.now }})
	if err != nil {
		t.Fatal(err)
	}
	return g, c
}

func from(address string) signin.Attempt { return signin.Attempt{Name: "ann", Address: address} }

// tries makes n attempts and returns how many were admitted.
func tries(g *signin.Guard, a signin.Attempt, n int, outcome signin.Outcome) (admitted int) {
	for range n {
		if end, _, ok := g.Begin(a); ok {
			admitted++
			end(outcome)
		}
	}
	return admitted
}

func TestGuard(t *testing.T) {
	t.Parallel()
	t.Run("counts only wrong passwords", func(t *testing.T) {
		g, _ := newGuard(t)
		for _, outcome := range []signin.Outcome{signin.Right, signin.Undecided} {
			if n := tries(g, from("1"), 100, outcome); n != 100 {
				t.Errorf("outcome %d: %d of 100 admitted, want 100", outcome, n)
			}
		}
		if n := tries(g, from("1"), 100, signin.Wrong); n != 3 {
			t.Errorf("%d wrong passwords admitted, want 3", n)
		}
	})
	t.Run("one address locks nobody else out", func(t *testing.T) {
		g, _ := newGuard(t)
		tries(g, from("attacker"), 1000, signin.Wrong)
		if n := tries(g, from("new"), 1, signin.Right); n != 1 {
			t.Error("an unknown address is refused")
		}
	})
	t.Run("many addresses lock out unknown addresses only", func(t *testing.T) {
		g, c := newGuard(t)
		tries(g, from("home"), 1, signin.Right)
		total := 0
		for i := range 100 {
			total += tries(g, from(fmt.Sprint("bot ", i)), 100, signin.Wrong)
		}
		if total != 6 {
			t.Errorf("%d wrong passwords admitted, want 6", total)
		}
		if _, retryAfter, ok := g.Begin(from("new")); ok || retryAfter != 10*time.Second {
			t.Errorf("an unknown address: admitted %v, retry after %v", ok, retryAfter)
		}
		if n := tries(g, from("home"), 1, signin.Right); n != 1 {
			t.Error("a known address is refused")
		}
		phone := signin.Attempt{Name: "ann", Address: "train", Device: "session 1"}
		if n := tries(g, phone, 1, signin.Right); n != 1 {
			t.Error("a known device is refused")
		}
		if n := tries(g, from("train"), 1, signin.Right); n != 1 {
			t.Error("the new address of a known device is refused")
		}
		if n := tries(g, signin.Attempt{Name: "bob", Address: "home"}, 1, signin.Right); n != 1 {
			t.Error("another username is refused")
		}
		c.now = c.now.Add(10 * time.Second)
		if n := tries(g, from("new"), 1, signin.Right); n != 1 {
			t.Error("an unknown address is refused after Retry-After")
		}
	})
	t.Run("a known device cannot guess without limit", func(t *testing.T) {
		g, _ := newGuard(t)
		tries(g, from("home"), 1, signin.Right)
		if n := tries(g, from("home"), 100, signin.Wrong); n != 3 {
			t.Errorf("a known address: %d wrong passwords admitted, want 3", n)
		}
		if n := tries(g, signin.Attempt{Name: "ann", Address: "home", Device: "session 1"}, 100, signin.Wrong); n != 3 {
			t.Errorf("a known device: %d wrong passwords admitted, want 3", n)
		}
	})
	t.Run("concurrent attempts do not exceed the limit", func(t *testing.T) {
		g, _ := newGuard(t)
		var ends []func(signin.Outcome)
		for range 100 {
			if end, _, ok := g.Begin(from("1")); ok {
				ends = append(ends, end)
			}
		}
		if len(ends) != 3 {
			t.Errorf("%d attempts at the same time, want 3", len(ends))
		}
	})
}
