package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// closeWait bounds saying goodbye to the database.
const closeWait = 5 * time.Second

// alone runs work on a connection of its own that finds the new tables first, while no other rebuild does.
func alone(ctx context.Context, owner *pgxpool.Pool, work func(*pgx.Conn) error) error {
	return apart(ctx, owner, nextSchema, func(conn *pgx.Conn) error {
		var mine bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(rebuildLock)).Scan(&mine); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if !mine {
			return ErrRebuilding
		}
		defer func() { // the end of the connection frees it as well, a moment after this has returned
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
			defer cancel()
			_, _ = conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(rebuildLock))
		}()
		return work(conn)
	})
}

// apart runs work on a connection of its own, like pool's, that finds the tables of a schema first. Closing it
// frees its locks and drops its temporary tables, also when ctx has ended.
func apart(ctx context.Context, pool *pgxpool.Pool, schema string, work func(*pgx.Conn) error) error {
	config := pool.Config().ConnConfig.Copy()
	config.RuntimeParams["search_path"] = schema + ",public"
	config.RuntimeParams["timezone"] = "UTC"
	config.RuntimeParams["jit"] = "off"
	config.RuntimeParams["default_statistics_target"] = "20" // a first look; autovacuum takes a closer one
	config.RuntimeParams["synchronous_commit"] = "off"       // what is lost is made anew; a switch waits for the disk
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	return work(conn)
}
