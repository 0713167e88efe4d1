package loglimit

import (
	"context"
	"log/slog"
	"time"

	"roomlog/internal/wait"
)

// WatchDatabase checks the database with ping whenever an error may come from an outage. It logs the beginning and the end of
// each outage until ctx ends.
func (h *Handler) WatchDatabase(ctx context.Context, ping func(context.Context) error) error {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-h.shared.suspected:
		}
		if err := ping(ctx); err != nil && ctx.Err() == nil {
			h.waitForDatabase(ctx, ping, err)
		}
		wait.Sleep(ctx, h.shared.Retry) // many errors cause one check per interval
	}
	return nil
}

// waitForDatabase logs an outage, and blocks until it ends.
func (h *Handler) waitForDatabase(ctx context.Context, ping func(context.Context) error, err error) {
	s := h.shared
	log := slog.New(h.next)
	began := s.Now()
	s.setLost(true)
	log.WarnContext(ctx, "database cannot be reached or is too slow, waiting for it", slog.Any("error", err))
	for reported := began; wait.Sleep(ctx, s.Retry); {
		err := ping(ctx)
		now := s.Now()
		if err == nil {
			log.WarnContext(ctx, "database can be reached again", slog.Duration("duration", now.Sub(began).Round(time.Millisecond)), slog.Int("count", s.setLost(false)))
			return
		}
		if now.Sub(reported) >= s.Period {
			reported = now
			log.WarnContext(ctx, "database still cannot be reached or is too slow", slog.Duration("duration", now.Sub(began).Round(time.Millisecond)),
				slog.Int("count", s.count()), slog.Any("error", err))
		}
	}
	s.setLost(false)
}

// setLost records the beginning or the end of an outage. It returns the number of records that were left out in it.
func (s *shared) setLost(lost bool) (withheld int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	withheld, s.withheld, s.lost = s.withheld, 0, lost
	return withheld
}

// count returns the number of records that were left out in this outage.
func (s *shared) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.withheld
}
