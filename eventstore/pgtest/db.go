package pgtest

import (
	"context"
	"crypto/rand"
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
	setupWait = 3 * time.Minute
	closeWait = time.Minute
)

// DB is a migrated database of one test.
type DB struct {
	// Pool has the rights of a server: every connection has taken the serving role.
	Pool *pgxpool.Pool

	// Owner has the rights of the owner. It connects when it is first used.
	Owner *pgxpool.Pool

	// DSN is the connection string of the owner, for other processes.
	DSN string

	// Serving reports whether the server has the serving role. Only a server given by TEST_DATABASE_URL may not have
	// it.
	Serving bool

	closeWait time.Duration // how long the end of the test waits for connections that the test has not released
}

// New returns a new database with all migrations. The end of the test drops it.
func New(t testing.TB) *DB {
	t.Helper()
	skip(t)
	ctx, cancel := context.WithTimeout(context.Background(), setupWait)
	defer cancel()
	tpl, err := migrated()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return open(t, create(ctx, t, tpl.name), tpl.serving)
}

// Blank returns the connection string of a new database without any table. The end of the test drops it.
func Blank(t testing.TB) string {
	t.Helper()
	skip(t)
	ctx, cancel := context.WithTimeout(context.Background(), setupWait)
	defer cancel()
	return create(ctx, t, "template0")
}

// Encoded creates an empty database with the given encoding, and returns its connection string.
func Encoded(t testing.TB, encoding string) string {
	t.Helper()
	skip(t)
	ctx, cancel := context.WithTimeout(context.Background(), setupWait)
	defer cancel()
	return create(ctx, t, "template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING '"+encoding+"'")
}

// create creates a database as a copy of the database from, and returns its connection string.
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
	// As nothing waits for the disk, copying the files is faster than writing the copy to the write-ahead log.
	if err := c.admin(ctx, "CREATE DATABASE "+name+" TEMPLATE "+from+" STRATEGY FILE_COPY"); err != nil {
		t.Fatalf("pgtest: create a database: %v", err)
	}
	t.Cleanup(func() { c.discard(t, name) })
	return dsn
}

// discard leaves a note for the supervisor to drop the database name. Without a supervisor, discard drops the database
// itself.
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

// open opens the pools of a database. The end of the test closes them.
func open(t testing.TB, dsn string, serving bool) *DB {
	t.Helper()
	db := &DB{DSN: dsn, Serving: serving, closeWait: closeWait}
	var err error
	if db.Owner, err = newPool(dsn, false); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	if db.Pool, err = newPool(dsn, serving); err != nil {
		db.Owner.Close()
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		closePool(t, db.Owner, db.closeWait)
		closePool(t, db.Pool, db.closeWait)
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

// closePool closes a pool. If the test has not released a connection, closePool fails the test, because Close would
// block for ever.
func closePool(t testing.TB, pool *pgxpool.Pool, wait time.Duration) {
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(wait):
		t.Errorf("pgtest: %d connections of the pool were not released", pool.Stat().AcquiredConns())
	}
}
