package rebuild

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/internal/pgsession"
	"roomlog/projections"
)

// The schemas of shadow tables.
const (
	nextSchema = projections.NextSchema
	tempSchema = "pg_temp"
)

const (
	closeTimeout = 5 * time.Second
	dropTimeout  = "5s" // maximum wait for queries that still read the tables; after it the next rebuild drops them
)

// withLockedConn calls work with a separate connection that holds the lock of rebuilds. The search_path of the
// connection begins with the new schema. withLockedConn returns ErrInProgress if another rebuild is running.
func withLockedConn(ctx context.Context, owner *pgxpool.Pool, work func(*pgx.Conn) error) error {
	return withConn(ctx, owner, nextSchema, func(conn *pgx.Conn) error {
		locked, err := pgsession.TryLock(ctx, conn, projections.RebuildLock)
		if err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if !locked {
			holder, err := pgsession.HolderOf(ctx, conn, projections.RebuildLock)
			return errors.Join(fmt.Errorf("%w: %s", ErrInProgress, holder), err)
		}
		defer func() { // closing the connection releases the lock, too, but a moment later
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
			defer cancel()
			_ = pgsession.Unlock(ctx, conn, projections.RebuildLock)
		}()
		return work(conn)
	})
}

// withConn calls work with a separate connection, configured like those of pool. The search_path of the connection
// begins with schema. withConn closes the connection even if ctx has ended. This releases the locks of the connection
// and drops its temporary tables.
func withConn(ctx context.Context, pool *pgxpool.Pool, schema string, work func(*pgx.Conn) error) error {
	config := pool.Config().ConnConfig.Copy()
	pgsession.Set(config, map[string]string{
		"search_path":               schema + ",public",
		"timezone":                  "UTC",
		"jit":                       "off",
		"temp_buffers":              "128MB", // with the default of 8 MB a verification would read its own tables from the disk
		"work_mem":                  "64MB",
		"default_statistics_target": "20",  // enough to begin with; autovacuum refines it
		"synchronous_commit":        "off", // lost work is repeated; the switch waits for the disk
	})
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	return work(conn)
}

// withConns calls work with two separate connections, as withConn does with one.
func withConns(ctx context.Context, pool *pgxpool.Pool, schema string, work func(first, second *pgx.Conn) error) error {
	return withConn(ctx, pool, schema, func(first *pgx.Conn) error {
		return withConn(ctx, pool, schema, func(second *pgx.Conn) error { return work(first, second) })
	})
}

// drop drops a schema with its tables. It waits at most dropTimeout for queries that read the tables.
func drop(ctx context.Context, conn *pgx.Conn, schema string) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+dropTimeout+"'; DROP SCHEMA IF EXISTS "+schema+" CASCADE")
		return err
	})
	if err != nil {
		return fmt.Errorf("drop the tables of %s: %w", schema, err)
	}
	return nil
}
