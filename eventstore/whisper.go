package eventstore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"
)

// ChannelWhispers carries what processes tell each other beside the log. Unlike the other channels it has
// something to say, and nobody finds it elsewhere.
const ChannelWhispers = "roomlog_whispers"

// MaxWhisper bounds a whisper, in bytes.
const MaxWhisper = 2048

// whispers are those who hear what processes tell each other.
type whispers struct {
	mu      sync.Mutex
	hearers []*func(string)
}

// Whisper tells something to every process that listens, this one included: for what is true for a moment
// only. It is in no table and no log, and who does not listen at that moment never hears it. A whisper is text of
// up to MaxWhisper bytes.
func (s *Store) Whisper(ctx context.Context, text string) error {
	if len(text) > MaxWhisper || !utf8.ValidString(text) {
		return fmt.Errorf("whisper: %d bytes are too many, or no text", len(text))
	}
	if _, err := s.pool.Exec(ctx, "SELECT pg_notify($1, $2)", ChannelWhispers, text); err != nil {
		return fmt.Errorf("whisper: %w", err)
	}
	return nil
}

// Overhear has hear called with every whisper while Listen runs, one after another, until stop is called.
// It must not wait.
func (s *Store) Overhear(hear func(text string)) (stop func()) {
	w := &s.whispers
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hearers = append(w.hearers, &hear)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hearers = slices.DeleteFunc(w.hearers, func(other *func(string)) bool { return other == &hear })
	}
}

// pass hands a whisper to who hears them.
func (w *whispers) pass(text string) {
	w.mu.Lock()
	hearers := slices.Clone(w.hearers)
	w.mu.Unlock()
	for _, hear := range hearers {
		(*hear)(text)
	}
}
