package eventstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/internal/pgsession"
)

const (
	connectTimeout = 3 * time.Second
	closeTimeout   = time.Second
)

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

// ServingRole is the database role of a server. It may append events and read everything. It has no right to change or
// delete an event.
const ServingRole = "roomlog_serving"

// PoolOptions are the options of OpenPool.
type PoolOptions struct {
	Serving  bool   // whether every connection takes ServingRole instead of the owner's rights
	MaxConns int32  // maximum number of connections; 0: the default of pgx
	Name     string // application_name in pg_stat_activity
	ReadOnly bool   // whether every connection refuses to write
}

// PoolConfig returns the configuration that OpenPool uses, for callers that extend it.
func PoolConfig(dsn string, o PoolOptions) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the database address: %w", err)
	}
	pgsession.Prepare(c.ConnConfig)
	params := map[string]string{"search_path": "read,public", "timezone": "UTC"}
	if o.Serving {
		params["role"] = ServingRole
	}
	if o.Name != "" {
		params["application_name"] = o.Name
	}
	if o.ReadOnly {
		params["default_transaction_read_only"] = "on"
	}
	pgsession.Set(c.ConnConfig, params)
	if o.MaxConns > 0 {
		c.MaxConns = o.MaxConns
	}
	return c, nil
}

// OpenPool opens a pool and verifies that the database can be reached.
func OpenPool(ctx context.Context, dsn string, o PoolOptions) (*pgxpool.Pool, error) {
	c, err := PoolConfig(dsn, o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach the database: %w", err)
	}
	return pool, nil
}

// connect opens a connection outside the pool, with the configuration of the pool and the given parameters.
func connect(ctx context.Context, pool *pgxpool.Pool, params map[string]string) (*pgx.Conn, error) {
	c := pool.Config().ConnConfig.Copy()
	pgsession.Set(c, params)
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return conn, nil
}
