package holds

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/loglimit"
	"roomlog/internal/wait"
	"roomlog/projections"
)

const (
	minInterval = 100 * time.Millisecond // minimum interval between two comparisons
	maxInterval = 5 * time.Second        // interval between two comparisons if the tables do not change
)

// Config configures a Recorder. All fields are required, except Log.
type Config struct {
	Queries   *projections.Queries
	Execute   func(context.Context, domain.Request) (eventstore.Receipt, error) // executes a command, like Sequencer.Execute
	Projected *wait.Signal                                                      // notified when the tables may have changed
	Log       *slog.Logger                                                      // receives the messages of the program; nil: none
}

// Recorder appends coins.closed and coins.opened events.
type Recorder struct {
	c     Config
	cause loglimit.Cause // error of the last comparison
}

// NewRecorder returns a Recorder. It does nothing until Run is called.
func NewRecorder(c Config) *Recorder {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Recorder{c: c}
}

// Run repeats Record until ctx ends, and then returns nil.
func (r *Recorder) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		seen := r.c.Projected.Count()
		err := r.Record(ctx)
		r.logChange(ctx, err)
		wait.Sleep(ctx, minInterval)
		r.c.Projected.Wait(ctx, seen, maxInterval)
	}
	return nil
}

// logChange logs the error of a comparison, unless the previous comparison had the same error.
func (r *Recorder) logChange(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	switch {
	case !r.cause.Changed(err):
	case err != nil:
		r.c.Log.WarnContext(ctx, "recording whose coins are closed failed, retrying", slog.Any("error", err))
	default:
		r.c.Log.InfoContext(ctx, "recorded whose coins are closed, after failures")
	}
}

// Record compares the holds in the tables with the closings in the log. It appends coins.closed for each missing
// closing, then coins.opened for each closing whose hold has ended. If it cannot record one hold, it continues with the
// others and returns all errors.
func (r *Recorder) Record(ctx context.Context) error {
	holds, err := r.c.Queries.UnrecordedHolds(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, h := range holds {
		if err := r.close(ctx, h); err != nil {
			failures = append(failures, fmt.Errorf("close coins because of position %d: %w", h.Position, err))
		}
	}
	released, err := r.c.Queries.ReleasedHolds(ctx)
	if err != nil {
		return errors.Join(append(failures, err)...)
	}
	for _, position := range released {
		changed, err := r.execute(ctx, domain.OpenCoins{Position: position})
		if err != nil {
			failures = append(failures, fmt.Errorf("open the coins that position %d has closed: %w", position, err))
		}
		if changed {
			r.c.Log.InfoContext(ctx, "coins opened", slog.Int64("position", position))
		}
	}
	return errors.Join(failures...)
}

// close appends the closing for a hold.
func (r *Recorder) close(ctx context.Context, h projections.CoinHold) error {
	users := slices.Clone(h.Users)
	all := slices.Contains(users, 0)
	users = slices.DeleteFunc(users, func(u domain.UserID) bool { return u == 0 })
	changed, err := r.execute(ctx, domain.CloseCoins{Position: h.Position, Users: users, All: all, Cause: h.Cause})
	if err == nil && changed {
		r.c.Log.ErrorContext(ctx, "coins closed, run: roomlog events list", slog.Int64("position", h.Position), slog.Any("user_id", h.Users),
			slog.String("reason", h.Cause))
	}
	return err
}

// execute executes a command as the system. It reports whether the command has changed anything.
func (r *Recorder) execute(ctx context.Context, c domain.Command) (bool, error) {
	receipt, err := r.c.Execute(ctx, domain.Request{Command: c, Actor: domain.Actor{Kind: domain.System}})
	return len(receipt.Events) > 0, err
}
