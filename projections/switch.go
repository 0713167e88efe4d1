package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
)

const (
	switchTries = 60 // each waits a second at most for the projector
	oldPrefix   = "read_old_"
)

// note is what is written on replaced tables: how far they were, and when they were replaced.
type note struct {
	Position int64     `json:"position"`
	Replaced time.Time `json:"replaced"`
}

// oldTables are tables that a rebuild has replaced.
type oldTables struct {
	schema     string
	generation int64
	note       note
}

// switchTables replaces the tables in use, in one transaction that holds the checkpoint: ready answers, with
// the checkpoint held, which schema's tables are to be used and where they are.
func switchTables(ctx context.Context, conn *pgx.Conn, t *teller, ready func(pgx.Tx, checkpoint) (string, checkpoint, error), now func() time.Time) error {
	for try := 1; ; try++ {
		t.at("switch", 0, 0)
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return switchOnce(ctx, tx, ready, now) })
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "55P03" || try == switchTries { // lock_not_available
			return err
		}
	}
}

func switchOnce(ctx context.Context, tx pgx.Tx, ready func(pgx.Tx, checkpoint) (string, checkpoint, error), now func() time.Time) error {
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '1s'; SET LOCAL synchronous_commit = on"); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	var at checkpoint
	if err := tx.QueryRow(ctx, selectCheckpoint+" FOR UPDATE").Scan(&at.position, &at.generation); err != nil {
		return fmt.Errorf("switch: hold the checkpoint: %w", err)
	}
	schema, to, err := ready(tx, at)
	if err != nil {
		return err
	}
	old := oldPrefix + strconv.FormatInt(at.generation, 10)
	says, err := json.Marshal(note{at.position, now().UTC()})
	if err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	statements := []string{
		fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s", serving, old),
		fmt.Sprintf("COMMENT ON SCHEMA %s IS '%s'", old, says),
		fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s", schema, serving),
		fmt.Sprintf("COMMENT ON SCHEMA %s IS NULL", serving),
	}
	if _, err := tx.Exec(ctx, strings.Join(statements, "; ")); err != nil {
		return fmt.Errorf("switch: rename: %w", err)
	}
	_, err = tx.Exec(ctx, "UPDATE checkpoint SET position = $1, generation = generation + 1 WHERE consumer_group = $2", to.position, ConsumerGroup)
	if err == nil {
		_, err = tx.Exec(ctx, "SELECT pg_notify($1, $2)", eventstore.ChannelProjected, strconv.FormatInt(to.position, 10))
	}
	if err != nil {
		return fmt.Errorf("switch: move the checkpoint: %w", err)
	}
	return nil
}

// Rollback switches back to the tables that the newest rebuild (or rollback) has replaced. They are as of the
// position at which they were replaced; a projector brings them up to date from there, and until it has,
// whoever reads sees that earlier state.
func Rollback(ctx context.Context, owner *pgxpool.Pool, c RebuildConfig) (Report, error) {
	started := c.Now()
	var report Report
	err := alone(ctx, owner, func(conn *pgx.Conn) error {
		old, err := replacedTables(ctx, conn)
		if err != nil {
			return err
		}
		if len(old) == 0 {
			return ErrNoOldTables
		}
		newest := old[len(old)-1]
		err = switchTables(ctx, conn, newTeller(c.Now, c.Progress), func(_ pgx.Tx, at checkpoint) (string, checkpoint, error) {
			return newest.schema, checkpoint{newest.note.Position, at.generation}, nil
		}, c.Now)
		if err != nil {
			return err
		}
		at, err := readCheckpoint(ctx, conn)
		report.Position, report.Generation = newest.note.Position, at.generation
		return err
	})
	report.Took = c.Now().Sub(started)
	if err != nil {
		return report, fmt.Errorf("rollback: %w", err)
	}
	return report, nil
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// replacedTables answers what rebuilds have replaced, oldest first.
func replacedTables(ctx context.Context, db querier) ([]oldTables, error) {
	rows, err := db.Query(ctx, selectOldSchemas)
	if err != nil {
		return nil, fmt.Errorf("look for replaced tables: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o oldTables, err error) {
		var says string
		if err := row.Scan(&o.schema, &says); err != nil {
			return o, err
		}
		if o.generation, err = strconv.ParseInt(strings.TrimPrefix(o.schema, oldPrefix), 10, 64); err != nil {
			return o, err
		}
		if err := json.Unmarshal([]byte(says), &o.note); err != nil {
			return o, fmt.Errorf("the note on schema %s: %w", o.schema, err)
		}
		return o, nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for replaced tables: %w", err)
	}
	return all, nil
}
