package migrations

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	lockKey     = 0x726f6f6d6c6f67 // "roomlog": one migration at a time in a database
	lockPoll    = 20 * time.Millisecond
	unlockAfter = 5 * time.Second
)

// ErrNewer means that the database was migrated by a newer roomlog.
var ErrNewer = errors.New("the database is newer than this roomlog")

// Result is the state of a database after Apply.
type Result struct {
	// ServingRole reports whether connections can take the role Role.
	ServingRole bool

	// Version is the number of the newest migration.
	Version int64
}

// Apply runs the missing migrations as the owner, the user of dsn, and grants the serving role its rights. It waits while
// another process does the same. If the owner may not create the role, Apply logs a warning and does everything else.
func Apply(ctx context.Context, dsn string, log *slog.Logger) (Result, error) {
	r, err := apply(ctx, dsn, files(), grants(), log)
	if err != nil {
		return r, fmt.Errorf("migrate: %w", err)
	}
	return r, nil
}

func apply(ctx context.Context, dsn string, files fs.FS, grants string, log *slog.Logger) (r Result, err error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return r, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return r, err
	}
	defer func() { // releases the lock, even after the end of the context
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockAfter)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if err := lock(ctx, conn); err != nil {
		return r, err
	}
	if r.Version, err = up(ctx, config, files, log); err != nil {
		return r, err
	}
	if r.ServingRole, err = ensureRole(ctx, conn, log); err != nil || !r.ServingRole {
		return r, err
	}
	if _, err := conn.Exec(ctx, grants); err != nil {
		return r, fmt.Errorf("grant rights to %s: %w", Role, err)
	}
	return r, nil
}

// lock takes the lock of migrations. It polls, because a statement that waits for the lock holds a snapshot, and a CREATE
// INDEX CONCURRENTLY in a migration would wait for that snapshot.
func lock(ctx context.Context, conn *pgx.Conn) error {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		var mine bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&mine); err != nil || mine {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another migration: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// up runs the missing goose files and returns the version of the database.
func up(ctx context.Context, config *pgx.ConnConfig, files fs.FS, log *slog.Logger) (int64, error) {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return 0, err
	}
	before, err := provider.GetDBVersion(ctx)
	if err != nil {
		return 0, err
	}
	newest := int64(0)
	for _, s := range provider.ListSources() {
		newest = max(newest, s.Version)
	}
	if before > newest {
		return before, fmt.Errorf("%w: its migration is %d, the newest known one is %d", ErrNewer, before, newest)
	}
	done, err := provider.Up(ctx)
	for _, m := range done {
		log.InfoContext(ctx, "migration applied", slog.String("path", m.Source.Path), slog.Duration("duration", m.Duration))
	}
	var failed *goose.PartialError
	if errors.As(err, &failed) {
		return before, fmt.Errorf("%s: %w", failed.Failed.Source.Path, failed.Err)
	}
	if err != nil {
		return before, err
	}
	return provider.GetDBVersion(ctx)
}
