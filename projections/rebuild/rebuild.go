package rebuild

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/eventstore/consumer"
	"roomlog/migrations"
	"roomlog/projections"
)

const (
	keptGenerations = 1     // number of replaced sets of tables that are kept for Rollback
	closingEvents   = 5_000 // maximum number of events that are left for the transaction of the switch
)

// Run derives all read tables from the log in a new schema and puts them into use. If the tables in use have the same
// versions of the projections, Run compares both sets of tables at one position. If they differ, it fails with
// ErrDifferent, unless Config.Force is set. The replaced tables are kept for Rollback until the next rebuild; tables
// that were replaced earlier are dropped. After an error, the new tables are dropped.
func Run(ctx context.Context, owner *pgxpool.Pool, store *eventstore.Store, c Config) (Report, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &rebuild{c: c, owner: owner}
	started := c.Now()
	err := withLockedConn(ctx, owner, func(conn *pgx.Conn) error {
		r.shadow = &shadow{
			applier: projections.NewApplier(store, c.Projections), store: store, conn: conn, schema: nextSchema,
			progress: newProgressReporter(c.Now, c.Progress),
		}
		err := r.honorSetAside(ctx)
		if err == nil {
			err = r.run(ctx)
		}
		if err != nil {
			err = errors.Join(err, r.abandon(ctx))
		}
		return err
	})
	r.report.Took = c.Now().Sub(started)
	if err != nil {
		return r.report, fmt.Errorf("rebuild: %w", err)
	}
	return r.report, nil
}

type rebuild struct {
	*shadow
	c      Config
	owner  *pgxpool.Pool
	report Report

	migrated int64 // number of the newest migration when the rebuild began
}

func (r *rebuild) run(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	same, err := r.comparable(ctx)
	if err != nil {
		return err
	}
	if err := r.catchUp(ctx, same); err != nil {
		return err
	}
	if err := r.index(ctx, r.owner); err != nil {
		return err
	}
	if err := r.catchUp(ctx, same); err != nil {
		return err
	}
	if same {
		if err := r.compare(ctx); err != nil {
			return err
		}
	}
	if err := r.putIntoUse(ctx, same); err != nil {
		return err
	}
	if dropped, err := dropReplaced(ctx, r.conn, keptGenerations); err != nil { // not fatal: the next rebuild tries again
		r.c.Log.WarnContext(ctx, "replaced tables not dropped", slog.Any("error", err))
	} else if len(dropped) > 0 {
		r.c.Log.InfoContext(ctx, "replaced tables dropped", slog.Int("count", len(dropped)))
	}
	return nil
}

// abandon drops the new tables after an error, because they contain personal texts. It does so even if ctx has ended.
func (r *rebuild) abandon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return withConn(ctx, r.owner, nextSchema, func(conn *pgx.Conn) error { return drop(ctx, conn, nextSchema) })
}

// prepare removes what an interrupted rebuild has left, and creates the new tables.
func (r *rebuild) prepare(ctx context.Context) (err error) {
	if r.migrated, err = migrations.Version(ctx, r.conn); err != nil {
		return err
	}
	if err := consumer.CreateCheckpoint(ctx, r.conn, projections.ConsumerGroup); err != nil {
		return err
	}
	if err := drop(ctx, r.conn, nextSchema); err != nil {
		return err
	}
	return r.create(ctx)
}

// hasVersionsInUse reports whether the tables in use have the versions of the new tables.
func (r *rebuild) hasVersionsInUse(ctx context.Context) (bool, error) {
	var different int
	err := r.conn.QueryRow(ctx, `SELECT count(*) FROM read_next.projection FULL JOIN read.projection USING (name, version)
		WHERE read_next.projection.name IS NULL OR read.projection.name IS NULL`).Scan(&different)
	if err != nil {
		return false, fmt.Errorf("compare the versions: %w", err)
	}
	return different == 0, nil
}

// comparable reports whether the tables in use and the new tables must be equal. They may differ if the versions of
// their projections differ, or if the tables in use were derived from another log.
func (r *rebuild) comparable(ctx context.Context) (bool, error) {
	err := consumer.VerifyCheckpoint(ctx, r.conn, projections.ConsumerGroup)
	var lost *consumer.CheckpointError
	switch {
	case errors.As(err, &lost):
		r.c.Log.WarnContext(ctx, "tables in use do not belong to the log, not compared with the new ones", slog.Any("error", err))
		return false, nil
	case err != nil:
		return false, err
	}
	return r.hasVersionsInUse(ctx)
}

// goal returns the position that the new tables must reach: the checkpoint if both sets are to be compared, otherwise
// the head of the log.
func (r *rebuild) goal(ctx context.Context, at projections.Checkpoint, same bool) (position int64, err error) {
	if r.report.Head, err = r.store.Head(ctx); err != nil || same {
		return at.Position, err
	}
	return r.report.Head, nil
}

// catchUp fills the new tables until fewer than closingEvents events are missing.
func (r *rebuild) catchUp(ctx context.Context, same bool) error {
	for {
		at, err := projections.ReadCheckpoint(ctx, r.conn)
		if err != nil {
			return err
		}
		goal, err := r.goal(ctx, at, same)
		if err != nil {
			return err
		}
		if goal-r.at < closingEvents {
			return nil
		}
		if err := r.fill(ctx, goal); err != nil {
			return err
		}
	}
}

// compare compares both sets of tables at one position. The projector continues meanwhile.
func (r *rebuild) compare(ctx context.Context) error {
	at, err := r.compareAt(ctx, &r.report)
	if err != nil {
		return err
	}
	r.report.Compared, r.at = true, at
	if len(r.report.Differences) > 0 && !r.c.Force {
		d := r.report.Differences[0]
		return fmt.Errorf("%w: %s: %s", ErrDifferent, d.Table, d.Text)
	}
	return nil
}

// putIntoUse switches to the new tables.
func (r *rebuild) putIntoUse(ctx context.Context, same bool) error {
	filled := r.at
	err := switchTables(ctx, r.conn, r.progress, r.c, func(tx pgx.Tx, at projections.Checkpoint) (target, error) {
		r.at = filled // a failed attempt was rolled back
		switch migrated, err := migrations.Version(ctx, r.conn); {
		case err != nil:
			return target{}, err
		case migrated != r.migrated:
			return target{}, errMigrated
		}
		goal, err := r.goal(ctx, at, same)
		if err != nil {
			return target{}, err
		}
		if err := r.fillIn(ctx, tx, goal); err != nil {
			return target{}, err
		}
		return target{nextSchema, r.at}, nil
	})
	if err != nil {
		return err
	}
	r.report.Events, r.report.Position = r.at, r.at
	at, err := projections.ReadCheckpoint(ctx, r.conn)
	if err != nil {
		return err
	}
	r.report.Generation = at.Generation
	return r.count(ctx, projections.Schema, &r.report)
}
