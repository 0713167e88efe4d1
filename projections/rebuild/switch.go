package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/eventstore/consumer"
	"roomlog/migrations"
	"roomlog/projections"
)

// switchAttempts is the maximum number of attempts of a switch. Each attempt waits at most one second for the
// projector.
const switchAttempts = 60

// target describes the tables that a switch puts into use.
type target struct {
	schema   string
	position int64 // position up to which the tables are current
}

// switchTables puts other tables into use, in one transaction that locks the checkpoint. With the checkpoint locked, it
// calls choose to get the schema of these tables. It holds the lock of migrations and grants, which change the same
// schemas.
func switchTables(ctx context.Context, conn *pgx.Conn, p *progressReporter, c Config, choose func(pgx.Tx, projections.Checkpoint) (target, error)) error {
	if err := migrations.Lock(ctx, conn, migrations.Config{Settings: migrations.Settings{LockTimeout: c.LockTimeout}, Log: c.Log}); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	defer func() { // closing the connection releases the lock, too, but a moment later
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = migrations.Unlock(ctx, conn)
	}()
	for attempt := 1; ; attempt++ {
		p.at("switch", 0, 0)
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return switchOnce(ctx, tx, c.Now, choose) })
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "55P03" || attempt == switchAttempts { // lock_not_available
			return err
		}
	}
}

func switchOnce(ctx context.Context, tx pgx.Tx, now func() time.Time, choose func(pgx.Tx, projections.Checkpoint) (target, error)) error {
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '1s'; SET LOCAL synchronous_commit = on"); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	at, err := projections.LockCheckpoint(ctx, tx)
	if err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	to, err := choose(tx, at)
	if err != nil {
		return err
	}
	if err := checkComplete(ctx, tx, to.schema); err != nil {
		return err
	}
	replaced := projections.NewReplacedSchema(at.Generation, at.Position, now())
	comment, err := replaced.Comment()
	if err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	statements := []string{
		fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s", projections.Schema, replaced.Name),
		fmt.Sprintf("COMMENT ON SCHEMA %s IS '%s'", replaced.Name, comment),
		fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s", to.schema, projections.Schema),
		fmt.Sprintf("COMMENT ON SCHEMA %s IS '%s'", projections.Schema, projections.GenerationComment(at.Generation+1)),
	}
	if _, err := tx.Exec(ctx, strings.Join(statements, "; ")); err != nil {
		return fmt.Errorf("switch: rename: %w", err)
	}
	if err := consumer.MoveCheckpoint(ctx, tx, projections.ConsumerGroup, to.position); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	return nil
}

// checkComplete returns ErrIncomplete if a schema lacks a table of a projection. Migrations add tables only to the schema in use.
func checkComplete(ctx context.Context, tx pgx.Tx, schema string) error {
	found, err := readTables(ctx, tx.Conn(), schema)
	if err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	for _, p := range projections.All() {
		for _, name := range p.Tables {
			if !slices.ContainsFunc(found, func(t table) bool { return t.Name == name }) {
				return fmt.Errorf("%w: schema %s lacks table %s. To get correct tables, run: roomlog rebuild", ErrIncomplete, schema, name)
			}
		}
	}
	return nil
}
