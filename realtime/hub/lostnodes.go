package hub

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// reaper says for the viewers, and the guests of the chat, of processes that died that they left, unless they came
// back in time. Every
// process does it; whoever is first is it.
type reaper struct {
	cfg     Config
	missing map[string]time.Time // processes that hold somebody and are not alive: since when
}

const (
	reapBatch   = 500 // read at once
	reapAtOnce  = 64  // commands on their way at once: the log commits them together
	looksAGrace = 4   // how often it looks within the grace time
)

func newReaper(cfg Config) *reaper {
	return &reaper{cfg, make(map[string]time.Time)}
}

// run looks for dead processes until ctx ends.
func (r *reaper) run(ctx context.Context) error {
	ticks := time.NewTicker(max(r.cfg.PresenceGrace/looksAGrace, time.Millisecond))
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.WarnContext(ctx, "looking for dead processes failed, trying again", slog.Any("err", err))
		}
	}
}

// look reaps the processes that have been missing for the whole grace time.
func (r *reaper) look(ctx context.Context) error {
	holding, err := r.cfg.Queries.Nodes(ctx)
	if err != nil {
		return err
	}
	alive, err := r.cfg.Store.Alive(ctx)
	if err != nil {
		return err
	}
	now, missing := r.cfg.Now(), make(map[string]time.Time)
	for _, process := range holding {
		if process == r.cfg.Node || alive(process) {
			continue
		}
		since, known := r.missing[process]
		if !known {
			since = now
		}
		missing[process] = since
	}
	r.missing = missing
	for process, since := range missing {
		if now.Sub(since) < r.cfg.PresenceGrace {
			continue
		}
		if err := r.reap(ctx, process); err != nil {
			return fmt.Errorf("reap process %s: %w", process, err)
		}
	}
	return nil
}

// reap says for everybody whom a dead process holds that they left.
func (r *reaper) reap(ctx context.Context, process string) error {
	queries := r.cfg.Queries
	err := reapAll(ctx, r, process, "viewers",
		func(after projections.ViewerKey) ([]projections.ViewerKey, error) {
			return queries.NodeViewers(ctx, process, after, reapBatch)
		},
		func(v projections.ViewerKey) domain.Command {
			return domain.LeaveLive{Live: v.Live, User: v.User, Cause: domain.LeaveNodeLost, Node: process}
		})
	if err != nil {
		return err
	}
	return reapAll(ctx, r, process, "guests of the chat",
		func(after projections.NodeParticipant) ([]projections.NodeParticipant, error) {
			return queries.NodeParticipants(ctx, process, after.ID, reapBatch)
		},
		func(g projections.NodeParticipant) domain.Command {
			return domain.LeaveChat{Participant: g.ID, Cause: domain.LeaveNodeLost, Node: process, NameKey: g.NameKey}
		})
}

// reapAll has leave said of everybody whom a dead process holds, batch by batch.
func reapAll[T any](ctx context.Context, r *reaper, process, who string, next func(after T) ([]T, error), leave func(T) domain.Command) error {
	var last T
	count := 0
	for {
		held, err := next(last)
		if err != nil || len(held) == 0 {
			if count > 0 {
				r.cfg.Log.InfoContext(ctx, who+" of a dead process have left", slog.String("process", process), slog.Int("count", count))
			}
			return err
		}
		commands := make([]domain.Command, len(held))
		for i, h := range held {
			commands[i] = leave(h)
		}
		if err := r.say(ctx, commands); err != nil {
			return err
		}
		last, count = held[len(held)-1], count+len(held)
	}
}

func (r *reaper) say(ctx context.Context, commands []domain.Command) error {
	within, cancel := context.WithTimeout(ctx, CommandTimeout)
	defer cancel()
	var all sync.WaitGroup
	var once sync.Once
	var failed error
	tickets := make(chan struct{}, reapAtOnce)
	for _, c := range commands {
		tickets <- struct{}{}
		all.Go(func() {
			defer func() { <-tickets }()
			if _, err := r.cfg.Commands.Execute(within, domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: c}); err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
	all.Wait()
	return failed
}
