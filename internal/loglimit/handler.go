package loglimit

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"roomlog/internal/settings"
)

// maxKinds is the maximum number of kinds that are counted at the same time. Above it, counting starts again.
const maxKinds = 256

// kindKeys are the attributes that distinguish kinds of records with the same message. They have few values, which no client
// chooses.
var kindKeys = []string{"check", "cleanup", "hook", "layer", "table", "topic"}

// Config configures a Handler. Next and Now are required.
type Config struct {
	Next   slog.Handler
	Now    func() time.Time
	Outage func(err error) bool // reports whether an error can come from a database that cannot be reached; nil: none does

	Period time.Duration `default:"30s"` // in which Burst records of each kind are written; between two lines about an outage
	Burst  int           `default:"5"`
	Retry  time.Duration `default:"500ms"` // between two checks of the database
}

// Handler is a slog.Handler that limits warnings and errors of one kind: with the same message and the same values of
// kindKeys. It is safe for concurrent use.
type Handler struct {
	next   slog.Handler
	shared *shared
}

// shared is the state of a Handler and of those derived from it.
type shared struct {
	Config
	suspected chan struct{} // an error may come from an outage

	mu       sync.Mutex
	kinds    map[string]*kind
	lost     bool // the database cannot be reached
	withheld int  // records left out since then
}

// kind counts the records of one kind.
type kind struct {
	ends     time.Time // end of the period
	written  int       // in the period
	withheld int       // since the last one that was written
}

// New returns a Handler.
func New(c Config) *Handler {
	settings.Defaults(&c)
	return &Handler{c.Next, &shared{Config: c, suspected: make(chan struct{}, 1), kinds: make(map[string]*kind)}}
}

// Enabled reports whether records of a level are handled.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs returns a Handler that adds attributes.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.next.WithAttrs(attrs), h.shared}
}

// WithGroup returns a Handler that adds a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(name), h.shared}
}

// Handle passes a record on, unless it is one too many of its kind, or follows from an outage of the database.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return h.next.Handle(ctx, r) //nolint:wrapcheck // a handler adds nothing to errors
	}
	name, err := inspect(r)
	repeats, ok := h.shared.take(name, err)
	if !ok {
		return nil
	}
	if repeats > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("repeats", repeats))
	}
	return h.next.Handle(ctx, r) //nolint:wrapcheck // a handler adds nothing to errors
}

// inspect returns the kind of a record and its error, which may be nil.
func inspect(r slog.Record) (name string, err error) {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		if slices.Contains(kindKeys, a.Key) {
			b.WriteString(" " + a.Key + "=" + a.Value.String())
		}
		if found, ok := a.Value.Any().(error); ok {
			err = errors.Join(err, found)
		}
		return true
	})
	return b.String(), err
}

// take counts a record. It reports whether to write it, and the number of records of its kind that were left out before
// it.
func (s *shared) take(name string, err error) (repeats int, ok bool) {
	outage := err != nil && s.Outage != nil && s.Outage(err)
	if outage {
		select {
		case s.suspected <- struct{}{}:
		default:
		}
	}
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if outage && s.lost {
		s.withheld++
		return 0, false
	}
	k := s.kinds[name]
	if k == nil {
		if len(s.kinds) == maxKinds {
			clear(s.kinds)
		}
		k = &kind{}
		s.kinds[name] = k
	}
	if !now.Before(k.ends) {
		k.ends, k.written = now.Add(s.Period), 0
	}
	if k.written == s.Burst {
		k.withheld++
		return 0, false
	}
	k.written++
	repeats, k.withheld = k.withheld, 0
	return repeats, true
}
