package loglimit

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"roomlog/internal/settings"
	"roomlog/internal/wait"
)

// maxKinds is the maximum number of kinds that are counted at the same time. Above it, counting starts again.
const maxKinds = 256

// kindKeys are the attributes that distinguish kinds of records with the same message. They have few values, which no client
// chooses.
var kindKeys = []string{"check", "cleanup", "hook", "layer", "table", "topic"}

// unlimitedKey is an attribute of records about payments. They are all written, because each is about money.
const unlimitedKey = "order_id"

// Config configures a Handler. Next and Now are required.
type Config struct {
	Next    slog.Handler
	Now     func() time.Time
	Suspect func(err error) bool // reports whether an unreachable database may be the cause of an error; nil: never
	Outage  func(err error) bool // reports whether an unreachable database is certainly the cause of an error; nil: never

	Period time.Duration `default:"30s"` // time in which at most Burst records of each kind are written, and interval between lines about an outage
	Burst  int           `default:"5"`
	Retry  time.Duration `default:"500ms"` // interval between two checks of the database
}

// Handler is a slog.Handler that limits the warnings and errors of each kind: those with the same message and the same
// values of kindKeys. When Run finds that the period of a kind has ended, it writes the last record that was left out.
// A Handler is safe for concurrent use.
type Handler struct {
	next   slog.Handler
	shared *shared
}

// shared is the state of a Handler and of those derived from it.
type shared struct {
	Config
	suspected chan struct{} // receives a value when an error may come from an outage

	mu       sync.Mutex
	kinds    map[string]*kind
	lost     bool // whether the database cannot be reached
	withheld int  // number of records that were left out because of this outage
}

// kind counts the records of one kind.
type kind struct {
	ends     time.Time // end of the current period
	written  int       // number of records that were written in this period
	withheld int       // number of records that were left out after the last one that was written
	last     held      // the last record that was left out; empty if withheld is 0
}

// held is a record that is not written yet.
type held struct {
	next   slog.Handler
	record slog.Record
}

// write writes the record. If repeats is not 0, it adds the attribute repeats: the number of records of this kind
// that were left out before this one.
func (r held) write(ctx context.Context, repeats int) error {
	if repeats > 0 {
		r.record = r.record.Clone()
		r.record.AddAttrs(slog.Int("repeats", repeats))
	}
	return r.next.Handle(ctx, r.record) //nolint:wrapcheck // a handler adds nothing to errors
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

// Handle passes a record to the next handler. It leaves out a record if its kind has reached Burst in this period, or if an
// outage of the database is the cause of the record.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return h.next.Handle(ctx, r) //nolint:wrapcheck // a handler adds nothing to errors
	}
	name, err, limited := inspect(r)
	h.shared.suspect(err)
	if !limited {
		return h.next.Handle(ctx, r) //nolint:wrapcheck // a handler adds nothing to errors
	}
	one := held{h.next, r}
	repeats, ok, ended := h.shared.take(name, err, one)
	writeLast(ctx, ended)
	if !ok {
		return nil
	}
	return one.write(ctx, repeats)
}

// Run writes the last record of each kind that was left out, with the number of those before it. It does so when the
// period of the kind has ended and when ctx ends. It blocks until ctx ends.
func (h *Handler) Run(ctx context.Context) error {
	for wait.Sleep(ctx, h.shared.Period) {
		writeLast(ctx, h.shared.forget(false))
	}
	writeLast(context.WithoutCancel(ctx), h.shared.forget(true))
	return nil
}

// writeLast writes the last record of each kind that was left out.
func writeLast(ctx context.Context, ended []*kind) {
	slices.SortFunc(ended, func(a, b *kind) int { return a.last.record.Time.Compare(b.last.record.Time) })
	for _, k := range ended {
		if k.withheld > 0 {
			_ = k.last.write(ctx, k.withheld-1) // an error of the log cannot be logged
		}
	}
}

// forget removes the kinds whose period has ended, or all, and returns them.
func (s *shared) forget(all bool) (ended []*kind) {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, k := range s.kinds {
		if all || !now.Before(k.ends) {
			ended = append(ended, k)
			delete(s.kinds, name)
		}
	}
	return ended
}

// inspect returns the kind of a record, its error, which may be nil, and whether it may be left out.
func inspect(r slog.Record) (name string, err error, limited bool) {
	limited = true
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		if slices.Contains(kindKeys, a.Key) {
			b.WriteString(" " + a.Key + "=" + a.Value.String())
		}
		if a.Key == unlimitedKey {
			limited = false
		}
		if found, ok := a.Value.Any().(error); ok {
			err = errors.Join(err, found)
		}
		return true
	})
	return b.String(), err, limited
}

// suspect requests a check of the database if an error can come from an outage.
func (s *shared) suspect(err error) {
	if err == nil || s.Suspect == nil || !s.Suspect(err) {
		return
	}
	select {
	case s.suspected <- struct{}{}:
	default:
	}
}

// take counts a record. It reports whether to write it, and the number of records of its kind that were left out before
// it. ended are kinds that it has removed, because there were too many.
func (s *shared) take(name string, err error, one held) (repeats int, ok bool, ended []*kind) {
	outage := err != nil && s.Outage != nil && s.Outage(err)
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if outage && s.lost {
		s.withheld++
		return 0, false, nil
	}
	k := s.kinds[name]
	if k == nil {
		if len(s.kinds) == maxKinds {
			ended = slices.Collect(maps.Values(s.kinds))
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
		k.last = one
		return 0, false, ended
	}
	k.written++
	repeats, k.withheld = k.withheld, 0
	return repeats, true, ended
}
