package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Status answers where the projector stands, as of at most a second ago.
func (p *Projector) Status() ProjectorStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// failed hears of every error and answers how long to wait.
func (p *Projector) failed(ctx context.Context, err error) time.Duration {
	if ended(ctx, err) {
		return 0
	}
	if passing(err) {
		p.c.Log.WarnContext(ctx, "projecting failed, trying again", slog.Any("err", err))
		return busyRetry
	}
	now, wait := p.c.Now(), p.c.HaltedRetry
	if p.ahead {
		wait = 0 // what comes before it goes on at once
	}
	p.mu.Lock()
	fresh := p.status.Halted == nil || now.Sub(p.said) >= logAgain
	if fresh {
		p.said = now
	}
	p.status.Halted = err
	p.mu.Unlock()
	if fresh {
		p.c.Log.ErrorContext(ctx, "projecting is halted", slog.Any("err", err))
	}
	return wait
}

// idle hears that the database answers and has nothing to do here: whatever it was, it is over, but for
// an event that cannot be taken.
func (p *Projector) idle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var halt *HaltError
	if !errors.As(p.status.Halted, &halt) {
		p.status.Halted = nil
	}
}

// watch keeps the status fresh until ctx ends. It writes nothing, so that an idle server writes nothing.
func (p *Projector) watch(ctx context.Context) {
	for ctx.Err() == nil {
		if err := p.look(ctx); err != nil && !ended(ctx, err) {
			p.c.Log.WarnContext(ctx, "reading where the tables are failed, trying again", slog.Any("err", err))
		}
		pause(ctx, statusEvery)
	}
}

// look reads where the tables are, whoever moves them.
func (p *Projector) look(ctx context.Context) error {
	var now ProjectorStatus
	var oldest *time.Time
	err := p.c.Pool.QueryRow(ctx, selectStatus).Scan(&now.Position, &now.Head, &oldest, &now.Poisoned)
	if err != nil {
		return fmt.Errorf("read where the tables are: %w", err)
	}
	if oldest != nil {
		now.LagSeconds = max(0, p.c.Now().Sub(*oldest).Seconds())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var halt *HaltError
	if now.Halted = p.status.Halted; errors.As(now.Halted, &halt) && now.Position >= halt.Position {
		now.Halted = nil // another process has gone on
	}
	p.status = now
	return nil
}
