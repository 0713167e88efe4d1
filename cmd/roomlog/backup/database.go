package backup

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
	"roomlog/internal/pgsession"
	"roomlog/migrations"
)

//go:embed sql/select_occupant.sql
var selectOccupant string

// errOccupied means that the database into which a backup is to be restored contains something else.
var errOccupied = errors.New("the database is not empty")

// database is the database into which a backup is restored.
type database struct {
	dsn        string
	conn       *pgx.Conn
	migrations migrations.Config
	postgres   localpg.Config
}

func openDatabase(ctx context.Context, dsn string, m migrations.Config, postgres localpg.Config) (*database, error) {
	conn, err := connect(ctx, dsn)
	return &database{dsn, conn, m, postgres}, err
}

// occupant returns the name of something that the database contains, or "" if it is empty.
func (d *database) occupant(ctx context.Context) (name string, err error) {
	err = d.conn.QueryRow(ctx, selectOccupant).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return name, err
}

func (d *database) checkEmpty(ctx context.Context) error {
	name, err := d.occupant(ctx)
	if err != nil {
		return err
	}
	if name != "" {
		return fmt.Errorf("%w: %s contains %s; restore into a new database, or drop and create this one", errOccupied, d.conn.Config().Database, name)
	}
	return nil
}

// contains reports whether the database contains the log of a backup, perhaps with newer events. It returns an error if it contains
// anything else.
func (d *database) contains(ctx context.Context, m *Manifest) (bool, error) {
	name, err := d.occupant(ctx)
	if err != nil || name == "" {
		return false, err
	}
	var log, eventID string
	const sql = "SELECT (SELECT id::text FROM public.store), coalesce((SELECT event_id::text FROM public.events WHERE position = $1), '')"
	if err := d.conn.QueryRow(ctx, sql, m.Position).Scan(&log, &eventID); err != nil || log != m.Log || eventID != m.EventID {
		return false, d.checkEmpty(ctx)
	}
	return true, nil
}

// mayContain reports whether the database may contain the log of a backup after a failed restore. m is nil if the restore has not
// reached the database.
func (d *database) mayContain(ctx context.Context, m *Manifest) bool {
	if m == nil {
		return false
	}
	same, err := d.contains(context.WithoutCancel(ctx), m)
	return same || err != nil && !errors.Is(err, errOccupied)
}

// tool returns the pg_restore for a backup.
func (d *database) tool(ctx context.Context, m *Manifest) (localpg.Tool, error) {
	var major int
	if err := d.conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&major); err != nil {
		return localpg.Tool{}, err
	}
	if major < m.Postgres {
		return localpg.Tool{}, fmt.Errorf("the backup is of PostgreSQL %d, the database is of version %d: restore it into version %d or newer", m.Postgres, major, m.Postgres)
	}
	return localpg.FindTool(ctx, d.postgres, "pg_restore", m.Dump)
}

// restore restores a dump in one transaction, while it holds the lock of migrations: a server that starts meanwhile waits.
func (d *database) restore(ctx context.Context, tool localpg.Tool, dump io.Reader) error {
	env, err := pgsession.LibpqEnvironment(d.dsn)
	if err != nil {
		return err
	}
	if err := migrations.Lock(ctx, d.conn, d.migrations); err != nil {
		return err
	}
	err = d.checkEmpty(ctx)
	if err == nil {
		err = tool.Run(ctx, dump, nil, env, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password", "--dbname="+d.conn.Config().Database)
	}
	return errors.Join(err, migrations.Unlock(context.WithoutCancel(ctx), d.conn))
}
