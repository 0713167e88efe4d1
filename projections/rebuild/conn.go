package rebuild

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Schemas of shadow tables.
const (
	nextSchema = "read_next"
	tempSchema = "pg_temp"
)

const (
	closeTimeout = 5 * time.Second
	advisoryLock = 0x726562756c64 // "rebuld": one rebuild at a time in a database
)

// withLockedConn calls work with a connection of its own whose search_path begins with the new schema. It returns
// ErrInProgress if another rebuild is running.
func withLockedConn(ctx context.Context, owner *pgxpool.Pool, work func(*pgx.Conn) error) error {
	return withConn(ctx, owner, nextSchema, func(conn *pgx.Conn) error {
		var locked bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(advisoryLock)).Scan(&locked); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if !locked {
			return ErrInProgress
		}
		defer func() { // closing the connection frees the lock too, but a moment later
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
			defer cancel()
			_, _ = conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(advisoryLock))
		}()
		return work(conn)
	})
}

// withConn calls work with a connection of its own, configured like those of pool, whose search_path begins with
// schema. It closes the connection even if ctx has ended; that frees its locks and drops its temporary tables.
func withConn(ctx context.Context, pool *pgxpool.Pool, schema string, work func(*pgx.Conn) error) error {
	config := pool.Config().ConnConfig.Copy()
	config.RuntimeParams["search_path"] = schema + ",public"
	config.RuntimeParams["timezone"] = "UTC"
	config.RuntimeParams["jit"] = "off"
	config.RuntimeParams["default_statistics_target"] = "20" // enough to begin with; autovacuum refines it
	config.RuntimeParams["synchronous_commit"] = "off"       // lost work is repeated; the switch waits for the disk
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
