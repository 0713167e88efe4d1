package eventstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/internal/pgsession"
)

// ServingRole is the database role of a server. It may append events and read everything. It has no right to change or
// delete an event.
const ServingRole = "roomlog_serving"

// PoolOptions are the options of OpenPool.
type PoolOptions struct {
	Serving  bool   // whether every connection takes ServingRole instead of the owner's rights
	MaxConns int32  // maximum number of connections; 0: the default of pgx
	Name     string // application_name in pg_stat_activity
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
