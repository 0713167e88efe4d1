package pgsession

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Errors of CheckPooler. Their messages are for operators.
var (
	// ErrTransactionPooling means that statements of one connection reach different sessions of the database.
	ErrTransactionPooling = errors.New("the address of the database leads to a connection pooler in transaction or statement mode, which loses locks, notifications and settings: " +
		"let DATABASE_URL lead to the database itself, or to a pooler in session mode (PgBouncer: pool_mode = session)")
	// ErrNoReset means that a session keeps the locks and settings of a client that has left. The pooler does not reset its
	// sessions, or it is in transaction mode and other clients have hidden this.
	ErrNoReset = errors.New("the address of the database leads to a connection pooler that does not reset a session when its client leaves: " +
		"set pool_mode = session and server_reset_query = DISCARD ALL in PgBouncer, or let DATABASE_URL lead to the database itself")
	// ErrPoolTooSmall means that the pooler does not provide two connections at the same time.
	ErrPoolTooSmall = errors.New("the address of the database leads to a connection pooler without a free connection: " +
		"raise its default_pool_size (PgBouncer) to what all nodes and commands need, or let DATABASE_URL lead to the database itself")
)

//go:embed select_unlocked.sql
var selectUnlocked string

const (
	poolerRounds = 5                // number of rounds: other clients of the pooler can hide its mode in a single round
	poolerWait   = 5 * time.Second  // maximum wait for a connection of the pooler
	resetWait    = 10 * time.Second // maximum time that the pooler needs to reset a session
	closeWait    = time.Second
	maxSessions  = 20 // number of sessions in which unlock looks for a lock that was not released
)

// CheckPooler returns nil if config points to PostgreSQL itself, or to a connection pooler in session mode that resets
// its sessions. pooled reports whether there is a pooler. Behind a pooler, CheckPooler takes an advisory lock with a random
// key for a moment; otherwise it takes no lock.
func CheckPooler(ctx context.Context, config *pgx.ConnConfig) (pooled bool, err error) {
	config = config.Copy()
	config.AfterConnect = nil                                     // The check needs no parameters, and setting them would wait for a session of the database.
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
	return true, checkReset(ctx, config, first, second)
}

// compare opens a transaction on the second connection, and compares the sessions of both connections. In session mode
// the first connection keeps its session, and the second one has another.
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

// checkReset takes a lock in the session of second, closes second, and uses first to see whether the lock becomes free. In
// session mode the pooler releases it with the session. In transaction mode it remains in a session that has no client.
// Unlike the comparison of sessions, this does not depend on what other clients of the pooler do.
func checkReset(ctx context.Context, config *pgx.ConnConfig, first, second *pgx.Conn) error {
	key := rand.Int64()
	var holder uint32
	if err := second.QueryRow(ctx, "SELECT pg_backend_pid() FROM pg_advisory_lock($1)", key).Scan(&holder); err != nil {
		return fmt.Errorf("take a lock in a session: %w", err)
	}
	held, err := HolderOf(ctx, first, key)
	if err != nil {
		return fmt.Errorf("look for the lock of a session: %w", err)
	}
	if held.PID != int(holder) { // The pooler resets its sessions after each transaction.
		return ErrTransactionPooling
	}
	closeConn(ctx, second)
	if held, err := unlock(ctx, config, key, 1); err != nil {
		return refused(ctx, err)
	} else if held {
		return ErrNoReset
	}
	if free, err := awaitFree(ctx, first, key); err != nil || free {
		return err
	}
	short, cancel := context.WithTimeout(ctx, closeWait)
	defer cancel()
	_, _ = unlock(short, config, key, maxSessions) // If another client has the session, the lock remains. Nobody else uses its key.
	return ErrNoReset
}

// unlock takes sessions of the pooler, one after another, until it has the one with the lock, and releases the lock. It
// reports whether one of the sessions had the lock.
func unlock(ctx context.Context, config *pgx.ConnConfig, key int64, sessions int) (held bool, err error) {
	for i := 0; i < sessions && !held; i++ {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return false, err
		}
		defer closeConn(ctx, conn)
		tx, err := conn.Begin(ctx) // keeps the session, also in transaction mode
		if err != nil {
			return false, err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		if err := tx.QueryRow(ctx, selectUnlocked, key).Scan(&held); err != nil {
			return false, err
		}
	}
	return held, nil
}

// awaitFree blocks until no session has the lock, or for resetWait. It reports whether the lock is free.
func awaitFree(ctx context.Context, conn *pgx.Conn, key int64) (bool, error) {
	timeout := time.NewTimer(resetWait)
	defer timeout.Stop()
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for {
		if holder, err := HolderOf(ctx, conn, key); err != nil || holder.PID == 0 {
			return err == nil, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-timeout.C:
			return false, nil
		case <-poll.C:
		}
	}
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
