package erasure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/internal/wait"
)

const (
	snapshotWait = 10 * time.Second       // time to wait for transactions that can still read the deleted rows
	pollInterval = 100 * time.Millisecond // interval between two checks whether such transactions still run
	lockTimeout  = "10s"                  // time to wait for the lock of a table, because servers read the tables all the time

	// walRounds is the number of times that all segments are overwritten. A checkpoint of PostgreSQL renames old
	// segments for later use and keeps their contents. The first round overwrites the existing segments, the second
	// those that the first checkpoint has kept.
	walRounds = 2

	// maxSegments is the maximum number of segments that are overwritten in one round.
	maxSegments = 512
)

// tables are the tables that contain secrets of users.
var tables = []string{"user_key", "credential"}

// Rewrite rewrites the tables of keys and password hashes without their deleted rows, and overwrites the write-ahead
// log. It returns a sentence for each place that may still contain deleted keys. Call it after the event that forgets
// the owner was appended. The tables are locked while they are copied.
func Rewrite(ctx context.Context, owner *pgxpool.Pool) (remains []string, err error) {
	conn, err := owner.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	defer conn.Release()
	r := &rewrite{conn: conn.Conn()}
	for _, step := range []func(context.Context) error{r.waitForSnapshots, r.rewriteTables, r.overwriteLog} {
		if err := step(ctx); err != nil {
			return r.remains, fmt.Errorf("erase: %w", err)
		}
	}
	return r.remains, nil
}

type rewrite struct {
	conn    *pgx.Conn
	remains []string
}

func (r *rewrite) note(format string, args ...any) {
	r.remains = append(r.remains, fmt.Sprintf(format, args...))
}

// waitForSnapshots waits for transactions that began before the rows were deleted. PostgreSQL keeps the rows while
// these transactions run.
func (r *rewrite) waitForSnapshots(ctx context.Context) error {
	var now int64
	if err := r.conn.QueryRow(ctx, "SELECT txid_current()").Scan(&now); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	for {
		var pid int
		err := r.conn.QueryRow(ctx, selectOldSnapshot, now).Scan(&pid)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		if !wait.Sleep(waiting, pollInterval) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.note("the files of the tables: an open transaction (process %d of PostgreSQL) keeps deleted rows; end it and repeat the command", pid)
			return nil
		}
	}
}

// selectOldSnapshot selects a session with a snapshot of this database, or with a transaction of any database that has written. The
// snapshot of VACUUM (FULL) itself begins at the oldest of these transactions, also at one of another database.
const selectOldSnapshot = `SELECT pid FROM pg_stat_activity, (SELECT age(($1 % 4294967296)::text::xid) AS age) now
	WHERE pid <> pg_backend_pid() AND (datname = current_database() AND age(backend_xmin) > now.age OR age(backend_xid) > now.age)
	ORDER BY greatest(age(backend_xmin), age(backend_xid)) DESC LIMIT 1`

// rewriteTables copies the remaining rows to new files.
func (r *rewrite) rewriteTables(ctx context.Context) error {
	if _, err := r.conn.Exec(ctx, "SET lock_timeout = '"+lockTimeout+"'"); err != nil {
		return err
	}
	for _, table := range tables {
		if _, err := r.conn.Exec(ctx, "VACUUM (FULL) public."+table); err != nil {
			if !isCode(err, "55P03", "42501") { // lock_not_available or insufficient_privilege
				return err
			}
			r.note("the file of table %s, until PostgreSQL uses the space again: %v", table, err)
		}
	}
	_, err := r.conn.Exec(ctx, "RESET lock_timeout")
	return err
}

// overwriteLog overwrites with zeros all segments of the write-ahead log, including those that a checkpoint keeps for
// later use.
func (r *rewrite) overwriteLog(ctx context.Context) error {
	for range walRounds {
		err := r.overwriteSegments(ctx)
		if isCode(err, "42501", "55000") { // insufficient_privilege, or the server is in recovery
			r.note("the write-ahead log, until its segments are overwritten by later events: the database user may not switch them (%v)", err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *rewrite) overwriteSegments(ctx context.Context) error {
	if _, err := r.conn.Exec(ctx, "CHECKPOINT"); err != nil {
		return err
	}
	var segments int
	if err := r.conn.QueryRow(ctx, "SELECT count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'").Scan(&segments); err != nil {
		return err
	}
	if segments > maxSegments {
		r.note("the write-ahead log: it has %d segments, of which %d were overwritten", segments, maxSegments)
	}
	for range min(segments, maxSegments) + 1 {
		// Each switch fills the rest of a segment with zeros. The transaction between two switches begins the next
		// segment.
		if _, err := r.conn.Exec(ctx, "SELECT txid_current()"); err != nil {
			return err
		}
		if _, err := r.conn.Exec(ctx, "SELECT pg_switch_wal()"); err != nil {
			return err
		}
	}
	_, err := r.conn.Exec(ctx, "CHECKPOINT")
	return err
}

func isCode(err error, codes ...string) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	for _, code := range codes {
		if pg.Code == code {
			return true
		}
	}
	return false
}
