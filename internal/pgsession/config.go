package pgsession

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// connectTimeout bounds the attempt to connect to one host, unless the address contains connect_timeout. It includes the
// wait for a connection of a pooler, which may have none that is free.
const connectTimeout = 15 * time.Second

// startupParameters are the parameters that every pooler accepts in the startup message. They are those whose values
// PostgreSQL reports to clients, and options, which cannot be set afterwards.
var startupParameters = []string{"client_encoding", "datestyle", "timezone", "standard_conforming_strings", "options"}

// defaults are parameters that every session needs. A database or a role may have other values, for example a managed
// database that is read-only for others, or one that ends long statements. With quote_all_identifiers, PostgreSQL describes
// a schema in other words.
var defaults = map[string]string{
	"default_transaction_read_only": "off", "default_transaction_isolation": "read committed",
	"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0", "idle_session_timeout": "0", "quote_all_identifiers": "off",
}

// encoding is the encoding of every session and of every database. In another one, the database would take the bytes of
// texts for other characters.
const encoding = "UTF8"

// ErrEncoding means that a database has an encoding other than UTF8.
var ErrEncoding = errors.New("roomlog needs a database with the encoding UTF8: create one with CREATE DATABASE roomlog ENCODING 'UTF8' TEMPLATE template0, and let DATABASE_URL lead to it")

// Parse returns the configuration of an address of a database. Parameters of the address, such as search_path, are set
// after connecting.
func Parse(dsn string) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	Prepare(c)
	return c, nil
}

// Prepare changes a configuration that pgx has parsed. Connections send only startupParameters in the startup message,
// and set all other parameters after connecting, and the defaults. Their encoding is UTF8, whatever the configuration, the
// database or the role says, and they fail with ErrEncoding if the database has another one. If the configuration has no
// connect timeout, it gets connectTimeout.
func Prepare(c *pgx.ConnConfig) {
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	params := maps.Clone(defaults)
	for name, value := range c.RuntimeParams {
		switch {
		case strings.EqualFold(name, "client_encoding"):
			delete(c.RuntimeParams, name)
		case !slices.Contains(startupParameters, strings.ToLower(name)):
			params[name] = value
			delete(c.RuntimeParams, name)
		}
	}
	c.RuntimeParams["client_encoding"] = encoding
	c.RuntimeParams["standard_conforming_strings"] = "on" // pgx refuses simple queries without it
	before := c.AfterConnect
	c.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if found := conn.ParameterStatus("server_encoding"); found != "" && found != encoding {
			return fmt.Errorf("the database has the encoding %s: %w", found, ErrEncoding)
		}
		if before != nil {
			return before(ctx, conn)
		}
		return nil
	}
	Set(c, params)
}

// Set makes every connection of c set run-time parameters, such as role or search_path. They override parameters that were
// set before.
func Set(c *pgx.ConnConfig, params map[string]string) {
	if len(params) == 0 {
		return
	}
	before := c.AfterConnect
	statement, args := setStatement(params)
	c.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if before != nil {
			if err := before(ctx, conn); err != nil {
				return err
			}
		}
		if err := conn.ExecParams(ctx, statement, args, nil, nil, nil).Read().Err; err != nil {
			return fmt.Errorf("set the parameters of the session: %w", err)
		}
		return nil
	}
}

// setStatement returns a statement that sets parameters for the session, with its arguments.
func setStatement(params map[string]string) (statement string, args [][]byte) {
	var calls []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		calls = append(calls, fmt.Sprintf("set_config($%d, $%d, false)", len(args)+1, len(args)+2))
		args = append(args, []byte(name), []byte(params[name]))
	}
	return "SELECT " + strings.Join(calls, ", "), args
}
