package broadcasts

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// reaper says for the shows of processes that died that they have ended. Every process does it; whoever is first
// is it.
type reaper struct {
	*Manager
	missing map[string]time.Time // processes that have shows and are not alive: since when
}

const (
	showsAtOnce = 500 // read at once
	looksAGrace = 4   // how often it looks within the grace time
)

func newReaper(s *Manager) *reaper { return &reaper{s, make(map[string]time.Time)} }

// run looks for dead processes until ctx ends.
func (r *reaper) run(ctx context.Context) error {
	ticks := time.NewTicker(max(r.cfg.Grace/looksAGrace, time.Millisecond))
	defer ticks.Stop()
	for {
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.WarnContext(ctx, "looking for the shows of dead processes failed, trying again", slog.Any("err", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// look ends the shows of processes that have been missing for the whole grace time.
func (r *reaper) look(ctx context.Context) error {
	shows, err := r.others(ctx)
	if err != nil {
		return err
	}
	alive, err := r.cfg.Store.Alive(ctx)
	if err != nil {
		return err
	}
	now, missing := r.cfg.Now(), make(map[string]time.Time)
	for _, show := range shows {
		if alive(show.Node) {
			continue
		}
		since, known := r.missing[show.Node]
		if !known {
			since = now
		}
		missing[show.Node] = since
		if now.Sub(since) < r.cfg.Grace {
			continue
		}
		_, err := r.cfg.Commands.Execute(ctx, domain.Request{Actor: domain.Actor{Kind: domain.System},
			Command: domain.StopBroadcast{Live: show.Live, Broadcast: show.ID, Cause: domain.StopNodeLost}})
		if err != nil {
			return fmt.Errorf("end the show of live %d of process %s: %w", show.Live, show.Node, err)
		}
		r.cfg.Log.InfoContext(ctx, "the show of a dead process has ended", slog.Int64("live", int64(show.Live)), slog.String("process", show.Node))
	}
	r.missing = missing
	return nil
}

// others answers the shows that go on, as the tables know, in other processes.
func (r *reaper) others(ctx context.Context) (others []projections.Broadcast, err error) {
	for last := domain.LiveID(0); ; {
		shows, err := r.cfg.Queries.Broadcasts(ctx, last, showsAtOnce)
		if err != nil {
			return nil, err
		}
		for _, show := range shows {
			last = show.Live
			if show.Node != r.cfg.Node {
				others = append(others, show)
			}
		}
		if len(shows) < showsAtOnce {
			return others, nil
		}
	}
}
