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
	lockKey     = 0x726f6f6d6c6f67 // "roomlog" in ASCII; the lock admits one migration at a time to a database
	lockPoll    = 20 * time.Millisecond
	unlockAfter = 5 * time.Second
)

// Errors about the state of the database.
var (
	// ErrNewer means that a newer roomlog has migrated the database.
	ErrNewer = errors.New("the database is newer than this roomlog")
	// ErrOlder means that the database lacks migrations of this program.
	ErrOlder = errors.New("the database is older than this roomlog")
	// ErrEmpty means that no roomlog has ever migrated the database.
	ErrEmpty = errors.New("the database has no tables of roomlog")
)

// Result is the state of a database after Apply.
type Result struct {
	// ServingRole reports whether connections can take the role Role.
	ServingRole bool

	// Version is the number of the newest migration.
	Version int64
}

// Apply runs the missing migrations as the owner, which is the user in dsn, and grants the serving role its rights. It
// waits while another process does the same. If the owner may not create the role, Apply logs a warning and does
// everything else.
func Apply(ctx context.Context, dsn string, log *slog.Logger) (Result, error) {
	r, err := apply(ctx, dsn, files(), grants(), log, true)
	if err != nil {
		return r, fmt.Errorf("migrate: %w", err)
	}
	return r, nil
}

// Upgrade does the same as Apply, for a database that a roomlog has migrated before. If none has, it changes nothing
// and fails with ErrEmpty.
func Upgrade(ctx context.Context, dsn string, log *slog.Logger) (Result, error) {
	r, err := apply(ctx, dsn, files(), grants(), log, false)
	switch {
	case errors.Is(err, ErrEmpty):
		return r, err
	case err != nil:
		return r, fmt.Errorf("migrate: %w", err)
	}
	return r, nil
}

// Check returns nil if the database has exactly the migrations of this program, and otherwise ErrEmpty, ErrOlder or
// ErrNewer. It changes nothing.
func Check(ctx context.Context, dsn string) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn)
	if err := checkMigrated(ctx, conn); err != nil {
		return err
	}
	found, err := Version(ctx, conn)
	if err != nil {
		return err
	}
	switch newest := newest(); {
	case found < newest:
		return fmt.Errorf("%w: its migration is %d, the newest one is %d", ErrOlder, found, newest)
	case found > newest:
		return fmt.Errorf("%w: its migration is %d, the newest known one is %d", ErrNewer, found, newest)
	}
	return nil
}

// Version returns the number of the newest migration of a database.
func Version(ctx context.Context, conn *pgx.Conn) (version int64, err error) {
	err = conn.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM public.goose_db_version WHERE is_applied").Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("read the migrations of the database: %w", err)
	}
	return version, nil
}

// newest returns the number of the newest migration of this program.
func newest() (version int64) {
	names, err := fs.Glob(files(), "0*.sql")
	if err != nil {
		panic(err) // cannot happen: the pattern is valid
	}
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			panic(err) // cannot happen: the files are embedded, and a test has applied each
		}
		version = max(version, n)
	}
	return version
}

// checkMigrated returns ErrEmpty unless a roomlog has migrated the database.
func checkMigrated(ctx context.Context, conn *pgx.Conn) error {
	var migrated bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('public.goose_db_version') IS NOT NULL").Scan(&migrated); err != nil {
		return err
	}
	if !migrated {
		return fmt.Errorf("%w: %s", ErrEmpty, conn.Config().Database)
	}
	return nil
}

func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockAfter)
	defer cancel()
	_ = conn.Close(ctx)
}

func apply(ctx context.Context, dsn string, files fs.FS, grants string, log *slog.Logger, blank bool) (r Result, err error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return r, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return r, err
	}
	defer closeConn(ctx, conn) // releases the lock, even if ctx has ended
	if !blank {
		if err := checkMigrated(ctx, conn); err != nil {
			return r, err
		}
	}
	if err := Lock(ctx, conn); err != nil {
		return r, err
	}
	if r.Version, err = up(ctx, config, files, log); err != nil {
		return r, err
	}
	if r.ServingRole, err = ensureRole(ctx, conn, log); err != nil || !r.ServingRole {
		return r, err
	}
	if err := applyGrants(ctx, conn, grants); err != nil {
		return r, fmt.Errorf("grant rights to %s: %w", Role, err)
	}
	return r, nil
}

// Lock takes the lock of migrations and grants on conn. The lock is held until Unlock, or until the connection is
// closed. Lock polls: a statement that waited for the lock would hold a database snapshot, and a CREATE INDEX
// CONCURRENTLY in a migration would wait for that snapshot.
func Lock(ctx context.Context, conn *pgx.Conn) error {
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

// Unlock releases the lock that Lock took.
func Unlock(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(lockKey))
	return err
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
