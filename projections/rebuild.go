package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
)

// RebuildConfig says how to rebuild.
type RebuildConfig struct {
	Now         func() time.Time // required
	Log         *slog.Logger     // nil: silent
	Progress    func(Progress)   // nil: silent; called about once a second
	Force       bool             // switch although the new tables differ from the old ones
	Projections []Projection     // nil: All
}

// Errors of Rebuild and Rollback.
var (
	// ErrDifferent: tables of the same version, made from the same log, differ: the old ones or the new ones
	// are wrong. The old ones stay in use; Report.Differences names the rows.
	ErrDifferent = errors.New("the rebuilt tables differ from the ones in use")
	// ErrRebuilding: another rebuild or rollback of this database is at work.
	ErrRebuilding = errors.New("another rebuild is at work")
	// ErrNoOldTables: no rebuild has replaced tables that are still there.
	ErrNoOldTables = errors.New("there are no earlier tables to go back to")
)

const (
	keepOld     = 7 * 24 * time.Hour // how long replaced tables are kept
	closeEnough = 5_000              // events that are left for the moment of the switch
	rebuildLock = 0x726562756c64     // "rebuld": one rebuild at a time in a database
)

// Rebuild makes all read tables anew from the log, in a schema beside the ones in use, which serve on. If
// the program's projections are of the versions in use, both are compared, at one position, and have to
// be equal: otherwise it switches only when forced, and fails with ErrDifferent. The switch is
// one short transaction with the checkpoint; whoever reads sees the tables before or after it.
// The replaced tables are kept for Rollback, and dropped by the first rebuild after seven days.
func Rebuild(ctx context.Context, owner *pgxpool.Pool, store *eventstore.Store, c RebuildConfig) (Report, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Projections == nil {
		c.Projections = All
	}
	r := &rebuild{c: c, owner: owner, started: c.Now()}
	err := alone(ctx, owner, func(conn *pgx.Conn) error {
		r.shadow = &shadow{
			folder: newFolder(store, c.Projections), store: store, conn: conn, schema: nextSchema,
			teller: newTeller(c.Now, c.Progress),
		}
		return r.run(ctx)
	})
	r.report.Took = c.Now().Sub(r.started)
	if err != nil {
		return r.report, fmt.Errorf("rebuild: %w", err)
	}
	return r.report, nil
}

type rebuild struct {
	*shadow
	c       RebuildConfig
	owner   *pgxpool.Pool
	started time.Time
	report  Report
}

func (r *rebuild) run(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	same, err := r.sameVersions(ctx)
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
	if err := r.grant(ctx); err != nil {
		return err
	}
	if err := r.catchUp(ctx, same); err != nil {
		return err
	}
	settled := r.at
	err = switchTables(ctx, r.conn, r.teller, func(tx pgx.Tx, at checkpoint) (string, checkpoint, error) {
		r.at = settled // a try that failed has left nothing
		target, err := r.target(ctx, at, same)
		if err != nil {
			return "", at, err
		}
		if err := r.fillIn(ctx, tx, target); err != nil {
			return "", at, err
		}
		return nextSchema, checkpoint{r.at, at.generation}, nil
	}, r.c.Now)
	if err != nil {
		return err
	}
	r.report.Events, r.report.Position = r.at, r.at
	at, err := readCheckpoint(ctx, r.conn)
	if err != nil {
		return err
	}
	r.report.Generation = at.generation
	return r.count(ctx, serving, &r.report)
}

// prepare drops what is too old or was left behind, and makes the new tables.
func (r *rebuild) prepare(ctx context.Context) error {
	if _, err := r.conn.Exec(ctx, "INSERT INTO checkpoint (consumer_group) VALUES ($1) ON CONFLICT (consumer_group) DO NOTHING", ConsumerGroup); err != nil {
		return fmt.Errorf("make the checkpoint: %w", err)
	}
	old, err := replacedTables(ctx, r.conn)
	if err != nil {
		return err
	}
	for _, o := range old {
		if r.c.Now().Sub(o.note.Replaced) < keepOld {
			continue
		}
		if _, err := r.conn.Exec(ctx, "DROP SCHEMA "+o.schema+" CASCADE"); err != nil {
			return fmt.Errorf("drop the tables of %s: %w", o.schema, err)
		}
		r.c.Log.InfoContext(ctx, "dropped replaced tables", slog.String("schema", o.schema))
	}
	if _, err := r.conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+nextSchema+" CASCADE; CREATE SCHEMA "+nextSchema); err != nil {
		return fmt.Errorf("make schema %s: %w", nextSchema, err)
	}
	return r.create(ctx)
}

// sameVersions says whether the tables in use are of this program's versions.
func (r *rebuild) sameVersions(ctx context.Context) (bool, error) {
	var different int
	err := r.conn.QueryRow(ctx, `SELECT count(*) FROM read_next.projection FULL JOIN read.projection USING (name, version)
		WHERE read_next.projection.name IS NULL OR read.projection.name IS NULL`).Scan(&different)
	if err != nil {
		return false, fmt.Errorf("compare the versions: %w", err)
	}
	return different == 0, nil
}

// target answers how far the new tables are to be filled: to where the ones in use are, if both are to be
// compared, or else to the end of the log.
func (r *rebuild) target(ctx context.Context, at checkpoint, same bool) (position int64, err error) {
	if r.report.Head, err = r.store.Head(ctx); err != nil || same {
		return at.position, err
	}
	return r.report.Head, nil
}

// catchUp fills the new tables until they are close to their target.
func (r *rebuild) catchUp(ctx context.Context, same bool) error {
	for {
		at, err := readCheckpoint(ctx, r.conn)
		if err != nil {
			return err
		}
		target, err := r.target(ctx, at, same)
		if err != nil {
			return err
		}
		if target-r.at < closeEnough {
			return nil
		}
		if err := r.fill(ctx, target); err != nil {
			return err
		}
	}
}

// compare compares both sets of tables as of one position: in a snapshot in which the new ones are filled
// up to where the old ones are, while the projector moves on.
func (r *rebuild) compare(ctx context.Context) error {
	at, err := r.compareAt(ctx, nextSchema, &r.report)
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

// compareAt fills the shadow up to the checkpoint and compares it with the tables in use, in one transaction.
func (s *shadow) compareAt(ctx context.Context, schema string, report *Report) (at int64, err error) {
	err = pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		now, err := readCheckpoint(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.fillIn(ctx, tx, now.position); err != nil {
			return err
		}
		at = now.position
		s.teller.at("compare", s.at, s.at)
		tables := slices.Clone(s.tables)
		if at == 0 { // no projector has written yet whose tables they are
			tables = slices.DeleteFunc(tables, func(t tableOf) bool { return t.Name == "projection" })
		}
		report.Differences, err = compare(ctx, tx, tables, serving, schema)
		return err
	})
	return at, err
}

// count counts the rows of a schema's tables.
func (s *shadow) count(ctx context.Context, schema string, report *Report) error {
	report.Rows = make(map[string]int64)
	for _, t := range s.tables {
		var n int64
		if err := s.conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %s.%s", schema, t.Name)).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", t.Name, err)
		}
		report.Rows[t.Name] = n
	}
	report.Poisoned = report.Rows["poison"]
	return nil
}

// grant gives the serving role the rights to the new tables that it has to the old ones.
func (r *rebuild) grant(ctx context.Context) error {
	var there bool
	err := r.conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", eventstore.ServingRole).Scan(&there)
	if err == nil && there {
		_, err = r.conn.Exec(ctx, fmt.Sprintf(
			"GRANT USAGE ON SCHEMA %[1]s TO %[2]s; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %[1]s TO %[2]s",
			nextSchema, eventstore.ServingRole))
	}
	if err != nil {
		return fmt.Errorf("grant the rights to the new tables: %w", err)
	}
	return nil
}
