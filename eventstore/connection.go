package eventstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const connectTimeout = 3 * time.Second

// beginTransaction sets the isolation level explicitly, because the database or the role may have another default.
// Every statement after the lock must see everything that was committed before the lock was granted.
const beginTransaction = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

// sequencerSettings returns the run-time parameters of the connection on which the sequencer appends.
func sequencerSettings() map[string]string {
	return map[string]string{
		"application_name": "roomlog sequencer",
		// A process that holds the lock and is frozen or unreachable must not stop the others.
		"idle_in_transaction_session_timeout": "2000",
		"lock_timeout":                        "4000",
		"statement_timeout":                   "0",
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "3",
		"tcp_user_timeout":                    "10000",
		// Acknowledged events must be on disk, whatever the default of the database is.
		"synchronous_commit": "on",
		// Every query reads by key. A plan that was made while the tables were nearly empty must not scan them after
		// they have grown.
		"enable_seqscan":   "off",
		"enable_hashjoin":  "off",
		"enable_mergejoin": "off",
		// The rows of a stream must be folded in order.
		"max_parallel_workers_per_gather": "0",
	}
}

// connected opens the connection if it is not open. If a reader has noticed that the log has another history, connected
// replaces the connection, because the old one may belong to the former server.
func (q *Sequencer) connected(ctx context.Context) error {
	if q.conn != nil && !q.conn.IsClosed() && q.history == q.store.History().Number {
		return nil
	}
	q.disconnect()
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := connect(ctx, q.store.pool, sequencerSettings())
	if err != nil {
		return err
	}
	q.conn = conn
	return nil
}

// disconnect closes the connection and drops the cached states.
func (q *Sequencer) disconnect() {
	if q.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		_ = q.conn.Close(ctx)
		cancel()
	}
	q.conn = nil
	q.forget()
}

// forget drops the cached states. It also stops sealing with keys that were cached before: they may belong to another
// history of the log, or to a user who has been forgotten since.
func (q *Sequencer) forget() {
	q.states.empty()
	q.session = q.store.codec.keys.begin()
}

// rollback ends a failed transaction and drops the cached states. Unless cause is a data error, it also closes the
// connection. A new connection has neither the faults of the old connection nor its query plans, which may be outdated.
func (q *Sequencer) rollback(cause error) {
	q.forget()
	if isDataError(cause) && !q.conn.IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if _, err := q.conn.Exec(ctx, "ROLLBACK"); err == nil {
			return
		}
	}
	q.disconnect()
}

// refusedByServer reports whether err is an error response of the server. After such a response the transaction has no
// effect. After any other error (a cut connection, a terminated backend) the outcome of the transaction is unknown.
func refusedByServer(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR"
}

// isDataError reports whether err is caused by the content of a request and not by the condition of the database: an
// event cannot be encoded, or the SQLSTATE is of class 22 (bad value), 23 (constraint) or 54 (too large).
func isDataError(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return refusedByServer(err) &&
			(strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23") || strings.HasPrefix(pg.Code, "54"))
	}
	return errors.Is(err, errEncoding)
}
