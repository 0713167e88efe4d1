package eventstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	connectTimeout = 3 * time.Second
	closeTimeout   = time.Second
)

// begin is explicit about what a database, or a role, may have other defaults for: every statement
// after the lock has to see what was committed before the lock was given.
const begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

// sequencerSettings are those of the one connection that writes.
func sequencerSettings() map[string]string {
	return map[string]string{
		"application_name": "roomlog sequencer",
		// A process that is frozen, or cut off, while it holds the lock must not stop the others.
		"idle_in_transaction_session_timeout": "2000",
		"lock_timeout":                        "4000",
		"statement_timeout":                   "0",
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "3",
		"tcp_user_timeout":                    "10000",
		// Acknowledged means durable, whatever the database's default is.
		"synchronous_commit": "on",
		// Every look-up here is by key. A plan made while the tables were nearly empty must not read
		// them from end to end when they have grown.
		"enable_seqscan":   "off",
		"enable_hashjoin":  "off",
		"enable_mergejoin": "off",
		// Rows of a stream are folded as they come.
		"max_parallel_workers_per_gather": "0",
	}
}

// connected makes sure that there is a connection.
func (q *Sequencer) connected(ctx context.Context) error {
	if q.conn != nil && !q.conn.IsClosed() {
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

func (q *Sequencer) disconnect() {
	if q.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		_ = q.conn.Close(ctx)
		cancel()
	}
	q.conn = nil
	q.states.empty()
}

// rollback ends a failed transaction: politely if only its content was wrong, else by hanging up. A new
// connection has no trouble that the old one may still be in, and remembers no plan of a table that
// has changed since.
func (q *Sequencer) rollback(cause error) {
	q.states.empty()
	if isDataError(cause) && !q.conn.IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if _, err := q.conn.Exec(ctx, "ROLLBACK"); err == nil {
			return
		}
	}
	q.disconnect()
}

// refusedByServer says that the server reported an error and undid the transaction, the connection
// being still good. Anything else (a cut connection, a terminated backend) says nothing about it.
func refusedByServer(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR"
}

// isDataError says that the content of a request is to blame, not the state of the database:
// a bad value (22), a broken constraint (23), something too large (54).
func isDataError(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return refusedByServer(err) &&
			(strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23") || strings.HasPrefix(pg.Code, "54"))
	}
	return errors.Is(err, errEncoding)
}
