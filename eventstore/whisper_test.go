package eventstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

func TestWhisper(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	heard := make(map[string]chan string)
	var stops []func()
	var stores []*testLog
	for _, name := range []string{"one", "two"} {
		s := openStore(t, db, eventstore.Config{Now: time.Now, PollInterval: 50 * time.Millisecond})
		words := make(chan string, 100)
		heard[name], stores = words, append(stores, s)
		stops = append(stops, s.store.Overhear(func(text string) { words <- text }))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.store.Listen(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	// Who does not listen yet never hears it, so it is said until both do.
	for _, words := range heard {
		for ready := false; !ready; {
			if err := stores[0].store.Whisper(t.Context(), "ready"); err != nil {
				t.Fatal(err)
			}
			select {
			case <-words:
				ready = true
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	next := func(name string) string {
		t.Helper()
		for {
			select {
			case text := <-heard[name]:
				if text != "ready" {
					return text
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s hears nothing", name)
			}
		}
	}
	t.Run("reaches every process, in order", func(t *testing.T) {
		for i := range 10 {
			if err := stores[1].store.Whisper(t.Context(), fmt.Sprintf("安娜 is typing %d", i)); err != nil {
				t.Fatal(err)
			}
		}
		for name := range heard {
			for i := range 10 {
				if got := next(name); got != fmt.Sprintf("安娜 is typing %d", i) {
					t.Fatalf("%s hears %q as number %d", name, got, i)
				}
			}
		}
	})
	t.Run("is bounded text", func(t *testing.T) {
		for _, text := range []string{strings.Repeat("x", eventstore.MaxWhisper+1), "\xff"} {
			if err := stores[0].store.Whisper(t.Context(), text); err == nil {
				t.Errorf("%.10q was taken", text)
			}
		}
		if err := stores[0].store.Whisper(t.Context(), strings.Repeat("x", eventstore.MaxWhisper)); err != nil {
			t.Error(err)
		}
		next("one")
		next("two")
	})
	t.Run("is not heard any more after stop", func(t *testing.T) {
		stops[0]()
		still := make(chan string, 1)
		stores[0].store.Overhear(func(text string) { still <- text })
		if err := stores[0].store.Whisper(t.Context(), "secret"); err != nil {
			t.Fatal(err)
		}
		if got := <-still; got != "secret" {
			t.Fatalf("heard %q", got)
		}
		if n := len(heard["one"]); n > 0 {
			t.Errorf("who stopped hears %q", <-heard["one"])
		}
	})
}
