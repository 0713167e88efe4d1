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

	"roomlog/internal/pgsession"
	"roomlog/internal/settings"
)

const (
	lockKey      = 0x726f6f6d6c6f67 // key of the lock that permits one migration at a time in a database: "roomlog" in ASCII
	closeTimeout = 5 * time.Second
)

// Settings are the settings of everything that changes the schema of the database.
type Settings struct {
	LockTimeout time.Duration `default:"5m" min:"1s" max:"24h" help:"Time for which a starting server waits for the lock of migrations, or a command for any lock, while another database session holds it. The holder is logged after some seconds."`
}

// Config configures Apply, Upgrade and Lock. A zero field means its default.
type Config struct {
	Settings
	Log *slog.Logger // receives the messages of the program; nil: none
}

func (c Config) withDefaults() Config {
	settings.Defaults(&c)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Errors about the database as it is found.
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
	// ServingRole reports whether connections can take the role Role. If not, RoleError is the reason.
	ServingRole bool
	RoleError   error

	// Version is the number of the newest migration.
	Version int64
}

// Apply runs the missing migrations as the owner, the user of dsn, and grants the serving role its rights. It waits while
// another process does the same. If the owner may not create the role, Apply does everything else.
func Apply(ctx context.Context, dsn string, c Config) (Result, error) {
	r, err := apply(ctx, dsn, files(), grants(), c, true)
	if err != nil {
		return r, fmt.Errorf("migrate: %w", err)
	}
	return r, nil
}

// Upgrade does the same as Apply, for a database that a roomlog has migrated before. For another database, it fails
// with ErrEmpty and changes nothing.
func Upgrade(ctx context.Context, dsn string, c Config) (Result, error) {
	r, err := apply(ctx, dsn, files(), grants(), c, false)
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
	_, conn, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn)
	if err := CheckMigrated(ctx, conn); err != nil {
		return err
	}
	found, err := Version(ctx, conn)
	if err != nil {
		return err
	}
	switch newest := Newest(); {
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

// CheckMigrated returns ErrEmpty unless a roomlog has migrated the database.
func CheckMigrated(ctx context.Context, conn *pgx.Conn) error {
	var migrated bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('public.goose_db_version') IS NOT NULL").Scan(&migrated); err != nil {
		return err
	}
	if !migrated {
		return fmt.Errorf("%w: %s", ErrEmpty, conn.Config().Database)
	}
	return nil
}

// connect opens a connection with the rights of the owner. It refuses a pooler that roomlog cannot use, before anything is
// changed.
func connect(ctx context.Context, dsn string) (*pgx.ConnConfig, *pgx.Conn, error) {
	config, err := pgsession.Parse(dsn)
	if err != nil {
		return nil, nil, err
	}
	if _, err := pgsession.CheckPooler(ctx, config); err != nil {
		return nil, nil, err
	}
	pgsession.Set(config, map[string]string{"application_name": "roomlog migrations"})
	conn, err := pgx.ConnectConfig(ctx, config)
	return config, conn, err
}

func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}

func apply(ctx context.Context, dsn string, files fs.FS, grants string, c Config, blank bool) (r Result, err error) {
	c = c.withDefaults()
	config, conn, err := connect(ctx, dsn)
	if err != nil {
		return r, err
	}
	defer closeConn(ctx, conn)
	if !blank {
		if err := CheckMigrated(ctx, conn); err != nil {
			return r, err
		}
	}
	if err := Lock(ctx, conn, c); err != nil {
		return r, err
	}
	defer unlock(ctx, conn)
	if r.Version, err = up(ctx, config, files, c.Log); err != nil {
		return r, err
	}
	if r.RoleError, err = ensureRole(ctx, conn); err != nil || r.RoleError != nil {
		return r, err
	}
	r.ServingRole = true
	if err := applyGrants(ctx, conn, grants); err != nil {
		return r, fmt.Errorf("grant rights to %s: %w", Role, err)
	}
	return r, nil
}

// Lock takes the lock of migrations and grants for the session of conn, until Unlock or the end of the session. It fails with a
// *pgsession.LockHeldError if another session holds the lock for longer than LockTimeout.
func Lock(ctx context.Context, conn *pgx.Conn, c Config) error {
	c = c.withDefaults()
	err := pgsession.Lock(ctx, conn, lockKey, pgsession.Wait{Timeout: c.LockTimeout, OnWait: func(h pgsession.Holder) {
		c.Log.WarnContext(ctx, "waiting for another session that migrates the database or holds its lock",
			slog.Int("pid", h.PID), slog.String("application", h.Application), slog.Time("since", h.Since))
	}})
	if err != nil {
		return fmt.Errorf("wait for another migration: %w", err)
	}
	return nil
}

// Unlock releases the lock that Lock took.
func Unlock(ctx context.Context, conn *pgx.Conn) error { return pgsession.Unlock(ctx, conn, lockKey) }

// unlock releases the lock even after the end of ctx.
func unlock(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = Unlock(ctx, conn)
}

// up runs the missing goose files and returns the version of the database.
func up(ctx context.Context, config *pgx.ConnConfig, files fs.FS, log *slog.Logger) (int64, error) {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return 0, err
	}
	newest := int64(0)
	for _, s := range provider.ListSources() {
		newest = max(newest, s.Version)
	}
	if err := checkRights(ctx, db, newest); err != nil {
		return 0, err
	}
	before, err := provider.GetDBVersion(ctx)
	if err != nil {
		return 0, err
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
