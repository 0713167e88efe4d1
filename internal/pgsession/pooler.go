package pgsession

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Errors of CheckPooler. Their messages are for operators.
var (
	// ErrTransactionPooling means that statements of one connection reach different sessions of the database.
	ErrTransactionPooling = errors.New("the address of the database leads to a connection pooler in transaction or statement mode, which loses locks, notifications and settings: " +
		"let DATABASE_URL lead to the database itself, or to a pooler in session mode (PgBouncer: pool_mode = session)")
	// ErrNoReset means that the pooler hands a session to the next client with the locks and settings of the one before.
	ErrNoReset = errors.New("the address of the database leads to a connection pooler that does not reset a session when its client leaves: " +
		"set server_reset_query = DISCARD ALL in PgBouncer, or let DATABASE_URL lead to the database itself")
	// ErrPoolTooSmall means that the pooler does not provide two connections at the same time.
	ErrPoolTooSmall = errors.New("the address of the database leads to a connection pooler without a free connection: " +
		"raise its default_pool_size (PgBouncer) to what all nodes and commands need, or let DATABASE_URL lead to the database itself")
)

const (
	poolerRounds = 5               // number of rounds: other clients of the pooler can hide its mode in a single round
	poolerWait   = 5 * time.Second // maximum wait for a connection of the pooler
	closeWait    = time.Second

	marker = "roomlog.session" // a parameter that only CheckPooler sets
)

// CheckPooler returns nil if config points to PostgreSQL itself, or to a connection pooler in session mode that resets
// its sessions. pooled reports whether there is a pooler. CheckPooler takes no lock.
func CheckPooler(ctx context.Context, config *pgx.ConnConfig) (pooled bool, err error) {
	config = config.Copy()
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // This protocol leaves no prepared statement in a session.
	first, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, err
	}
	defer closeConn(ctx, first)
	pid, err := backend(ctx, first)
	if err != nil {
		return false, err
	}
	if pid == first.PgConn().PID() { // A pooler reports its own pid.
		return false, nil
	}
	second, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return true, refused(ctx, err)
	}
	defer closeConn(ctx, second)
	for range poolerRounds {
		if err := compare(ctx, first, second, pid); err != nil {
			return true, refused(ctx, err)
		}
	}
	return true, checkReset(ctx, config, second)
}

// compare opens a transaction on the second connection. In session mode the session of the first connection stays the same,
// and is not the one of the second.
func compare(ctx context.Context, first, second *pgx.Conn, pid uint32) error {
	ctx, cancel := context.WithTimeout(ctx, poolerWait)
	defer cancel()
	tx, err := second.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	other, err := backend(ctx, tx)
	if err != nil {
		return err
	}
	if other == pid {
		return ErrTransactionPooling
	}
	again, err := backend(ctx, first)
	if err == nil && again != pid {
		return ErrTransactionPooling
	}
	return err
}

// checkReset marks the session of conn, closes conn, and looks for the mark in the session that the pooler hands out next.
// That is the same session unless other clients are faster.
func checkReset(ctx context.Context, config *pgx.ConnConfig, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "SELECT set_config($1, 'used', false)", marker); err != nil {
		return err
	}
	closeConn(ctx, conn)
	next, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return refused(ctx, err)
	}
	defer closeConn(ctx, next)
	var mark string
	if err := next.QueryRow(ctx, "SELECT coalesce(current_setting($1, true), '')", marker).Scan(&mark); err != nil {
		return err
	}
	if mark == "" {
		return nil
	}
	_, err = next.Exec(ctx, "SELECT set_config($1, '', false)", marker)
	return errors.Join(ErrNoReset, err)
}

// backend returns the process id of the session that executes a statement.
func backend(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) (pid uint32, err error) {
	ctx, cancel := context.WithTimeout(ctx, poolerWait)
	defer cancel()
	if err := db.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return 0, fmt.Errorf("ask for the process of the session: %w", err)
	}
	return pid, nil
}

// refused returns the cause of an error of a pooler that was reached before: it permits no transaction, or it has no free
// connection.
func refused(ctx context.Context, err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && pg.Code == "08P01": // The pooler is in statement mode.
		return ErrTransactionPooling
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return ErrPoolTooSmall
	}
	return err
}

func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
	defer cancel()
	_ = conn.Close(ctx)
}
