package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/migrations"
)

const (
	maxConns  = 16
	setupWait = 60 * time.Second
	closeWait = 10 * time.Second
)

// DB is a migrated database of one test.
type DB struct {
	// Pool serves as production does: every connection has taken the serving role.
	Pool *pgxpool.Pool

	// Owner may do everything. It connects when it is first used.
	Owner *pgxpool.Pool

	// DSN connects as the owner, also from another process.
	DSN string

	// Serving tells whether the server has the serving role; only a foreign server may lack it.
	Serving bool
}

// New returns a fresh database with all migrations, dropped when the test ends.
func New(t testing.TB) *DB {
	t.Helper()
	needed(t)
	ctx, cancel := context.WithTimeout(context.Background(), setupWait)
	defer cancel()
	tpl, err := migrated()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return open(t, create(ctx, t, tpl.name), tpl.serving)
}

// Blank returns a connection string to a fresh database without any table,
// dropped when the test ends.
func Blank(t testing.TB) string {
	t.Helper()
	needed(t)
	ctx, cancel := context.WithTimeout(context.Background(), setupWait)
	defer cancel()
	return create(ctx, t, "template0")
}

// create makes a database and returns its address.
func create(ctx context.Context, t testing.TB, from string) string {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	name := prefix + strings.ToLower(rand.Text())
	dsn, err := withDatabase(c.dsn, name)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	// Copying files is faster than writing the copy to the WAL as well, when nothing waits for the disk.
	if err := c.admin(ctx, "CREATE DATABASE "+name+" TEMPLATE "+from+" STRATEGY FILE_COPY"); err != nil {
		t.Fatalf("pgtest: create a database: %v", err)
	}
	t.Cleanup(func() { c.discard(t, name) })
	return dsn
}

// discard leaves a note for the supervisor, or drops the database if there is none.
func (c *cluster) discard(t testing.TB, name string) {
	if c.dir != "" {
		if err := os.WriteFile(filepath.Join(doneDir(c.dir), name), nil, 0o600); err != nil {
			t.Errorf("pgtest: %v", err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	if err := c.admin(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
		t.Errorf("pgtest: drop the database: %v", err)
	}
}

// open connects both pools, and closes them when the test ends.
func open(t testing.TB, dsn string, serving bool) *DB {
	t.Helper()
	db := &DB{DSN: dsn, Serving: serving}
	var err error
	if db.Owner, err = newPool(dsn, false); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	if db.Pool, err = newPool(dsn, serving); err != nil {
		db.Owner.Close()
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		closePool(t, db.Owner)
		closePool(t, db.Pool)
	})
	return db
}

func newPool(dsn string, serving bool) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = maxConns
	if serving {
		config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "SET ROLE "+migrations.Role)
			return err
		}
	}
	return pgxpool.NewWithConfig(context.Background(), config)
}

// closePool says so when a test keeps a connection, instead of waiting for it for ever.
func closePool(t testing.TB, pool *pgxpool.Pool) {
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeWait):
		t.Errorf("pgtest: %d connections were not given back to the pool", pool.Stat().AcquiredConns())
	}
}

// withDatabase is the address of another database of the same server.
func withDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", fmt.Errorf("%s has to begin with postgres://", serverEnv)
	}
	u.Path = "/" + name
	return u.String(), nil
}
