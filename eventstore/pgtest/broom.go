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

const keepTemplates = 3

// broom drops databases that nobody needs. It says what goes wrong and goes on: what
// is left is tried again by the next supervisor.
type broom struct {
	dsn  string
	conn *pgx.Conn // made anew when a test has cut it
	log  *slog.Logger
}

// noted drops the databases whose tests have ended and left a note. DROP DATABASE
// takes a while when backends are still on their way out; no test waits for that.
func (b *broom) noted(ctx context.Context, dir string) {
	notes, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.log.Warn("read the notes of tests", slog.Any("err", err))
	}
	for _, note := range notes {
		b.drop(ctx, note.Name())
		_ = os.Remove(filepath.Join(dir, note.Name()))
	}
}

// left lists the databases of tests.
func (b *broom) left(ctx context.Context) []string {
	return b.list(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix)
}

// templates drops all templates but the newest.
func (b *broom) templates(ctx context.Context) {
	for _, name := range b.list(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY oid DESC OFFSET $2", templatePrefix, keepTemplates) {
		b.exec(ctx, "ALTER DATABASE "+quote(name)+" IS_TEMPLATE false")
		b.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name))
	}
}

func (b *broom) drop(ctx context.Context, names ...string) {
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			b.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
		}
	}
}

func (b *broom) list(ctx context.Context, sql string, args ...any) (names []string) {
	b.do(ctx, sql, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names
}

func (b *broom) exec(ctx context.Context, sql string) {
	b.do(ctx, sql, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql)
		return err
	})
}

// do runs something once more if it finds its connection cut: it learns of that only by using it.
func (b *broom) do(ctx context.Context, sql string, run func(*pgx.Conn) error) {
	var err error
	for range 2 {
		if b.conn == nil || b.conn.IsClosed() {
			if b.conn, err = pgx.Connect(ctx, b.dsn); err != nil {
				break
			}
		}
		if err = run(b.conn); err == nil || !b.conn.IsClosed() {
			break
		}
	}
	if err != nil {
		b.log.Warn("sweep", slog.String("sql", sql), slog.Any("err", err))
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
