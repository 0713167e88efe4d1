package rebuild

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/projections"
)

// Rollback puts the tables that the newest rebuild or rollback has replaced into use again. These tables have the
// position at which they were replaced, so queries return an earlier state until a projector has applied the later
// events.
func Rollback(ctx context.Context, owner *pgxpool.Pool, c Config) (Report, error) {
	started := c.Now()
	var report Report
	err := withLockedConn(ctx, owner, func(conn *pgx.Conn) error {
		replaced, err := projections.ReplacedSchemas(ctx, conn)
		if err != nil {
			return err
		}
		if len(replaced) == 0 {
			return ErrNoReplacedTables
		}
		newest := replaced[len(replaced)-1]
		err = switchTables(ctx, conn, newProgressReporter(c.Now, c.Progress), c, func(pgx.Tx, projections.Checkpoint) (target, error) {
			return target{newest.Name, newest.Position}, nil
		})
		if err != nil {
			return err
		}
		if _, err := dropReplaced(ctx, conn, keptGenerations); err != nil {
			return err
		}
		at, err := projections.ReadCheckpoint(ctx, conn)
		report.Position, report.Generation = newest.Position, at.Generation
		return err
	})
	report.Took = c.Now().Sub(started)
	if err != nil {
		return report, fmt.Errorf("rollback: %w", err)
	}
	return report, nil
}
