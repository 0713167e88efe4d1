package pgtest

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

const keepTemplates = 12 // number of the newest templates that are kept: several checkouts may run tests at the same time

// cleaner drops databases that are no longer used. It logs errors and continues, because the next supervisor tries
// again.
type cleaner struct {
	dsn  string
	conn *pgx.Conn // opened again if a test has cut it
	log  *slog.Logger
}

// dropNoted drops the databases of tests that have ended, see discard. DROP DATABASE waits until the backends of the
// database have ended. No test waits for this.
func (c *cleaner) dropNoted(ctx context.Context, dir string) {
	notes, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Warn("notes of tests not read", slog.Any("error", err))
	}
	for _, note := range notes {
		c.drop(ctx, note.Name())
		_ = os.Remove(filepath.Join(dir, note.Name()))
	}
}

// databases returns the names of the databases of tests.
func (c *cleaner) databases(ctx context.Context) []string {
	return c.list(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix)
}

// dropOldTemplates drops all templates except the newest keepTemplates.
func (c *cleaner) dropOldTemplates(ctx context.Context) {
	for _, name := range c.list(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY oid DESC OFFSET $2", templatePrefix, keepTemplates) {
		c.exec(ctx, "ALTER DATABASE "+quote(name)+" IS_TEMPLATE false")
		c.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name))
	}
}

// drop drops databases of tests.
func (c *cleaner) drop(ctx context.Context, names ...string) {
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			c.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
		}
	}
}

func (c *cleaner) list(ctx context.Context, sql string, args ...any) (names []string) {
	c.do(ctx, sql, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names
}

func (c *cleaner) exec(ctx context.Context, sql string) {
	c.do(ctx, sql, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql)
		return err
	})
}

// do runs a statement. Only the use of a connection shows whether a test has cut it. In that case, do runs the
// statement again on a new connection.
func (c *cleaner) do(ctx context.Context, sql string, run func(*pgx.Conn) error) {
	var err error
	for range 2 {
		if c.conn == nil || c.conn.IsClosed() {
			if c.conn, err = pgx.Connect(ctx, c.dsn); err != nil {
				break
			}
		}
		if err = run(c.conn); err == nil || !c.conn.IsClosed() {
			break
		}
	}
	if err != nil {
		c.log.Warn("statement of the cleaner failed", slog.String("command", sql), slog.Any("error", err))
	}
}
