package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/api"
	"roomlog/migrations"
	"roomlog/projections"
)

// readiness is what /readyz asks. It says no while requests had better go elsewhere.
type readiness struct {
	engine   *engine
	stopping atomic.Bool
	maxLag   time.Duration
	more     []api.Check // of parts that not every process has
}

// checks are its questions, in the order in which they are asked.
func (r *readiness) checks() []api.Check {
	return append([]api.Check{
		{Name: "process", Ask: r.process},
		{Name: "database", Ask: r.database},
		{Name: "roles", Ask: r.roles},
		{Name: "tables", Ask: r.tables},
	}, r.more...)
}

func (r *readiness) process(context.Context) (string, error) {
	if r.stopping.Load() {
		return "stopping", errors.New("this process is about to stop")
	}
	return "ok", nil
}

// database asks for an answer, and for the layout that this program works with.
func (r *readiness) database(ctx context.Context) (string, error) {
	var one int
	if err := r.engine.pool.QueryRow(ctx, "SELECT 1").Scan(&one); err != nil {
		return "unreachable", err
	}
	return fmt.Sprintf("migration %d", r.engine.migrated.Version), nil
}

// roles never says no: without the role the triggers still guard the log.
func (r *readiness) roles(context.Context) (string, error) {
	if r.engine.migrated.ServingRole {
		return migrations.Role, nil
	}
	return "off", nil
}

// tables says how far they are behind the log, whoever moves them.
func (r *readiness) tables(ctx context.Context) (string, error) {
	if p := r.engine.projector; p != nil {
		if status := p.Status(); status.Halted != nil {
			return fmt.Sprintf("halted at %d of %d", status.Position, status.Head), status.Halted
		}
	}
	position, head, lag, err := r.engine.lag(ctx)
	if err != nil {
		return "unknown", err
	}
	note := fmt.Sprintf("%d of %d", position, head)
	if lag > 0 {
		note += fmt.Sprintf(", %.1f s behind", lag.Seconds())
	}
	if lag > r.maxLag {
		return note, fmt.Errorf("the tables are %s behind the log: does a process with the role projector run?", lag.Round(time.Second))
	}
	return note, nil
}

// lag answers where the tables and the log are, and how long the oldest event that the tables lack has
// been in the log.
func (e *engine) lag(ctx context.Context) (position, head int64, lag time.Duration, err error) {
	var oldest *time.Time
	err = e.pool.QueryRow(ctx, `
		SELECT at.position, (SELECT coalesce(max(position), 0) FROM events), next.recorded_at
		FROM (SELECT coalesce(max(position), 0) AS position FROM checkpoint WHERE consumer_group = $1) at
		LEFT JOIN events next ON next.position = at.position + 1`, projections.ConsumerGroup).Scan(&position, &head, &oldest)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, 0, fmt.Errorf("read where the tables are: %w", err)
	}
	if oldest != nil {
		lag = max(0, e.now().Sub(*oldest))
	}
	return position, head, lag, nil
}
