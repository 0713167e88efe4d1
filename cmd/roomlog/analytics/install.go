package analytics

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Role is the role that may read the schema analytics, and nothing else.
const Role = "roomlog_analytics"

// Database begins transactions. A connection and a pool implement it.
type Database interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Install creates the schema analytics with its views, and the role that may read them. The user of db must own the log
// and be permitted to create roles. Views of an earlier installation are replaced.
func Install(ctx context.Context, db Database) error {
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		_, err := tx.Conn().PgConn().Exec(ctx, Postgres()).ReadAll()
		return err
	})
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case "42501": // insufficient_privilege
		return fmt.Errorf("install the schema analytics: %w. The user of the database must own the log; if it may not create roles, somebody who may must first run: CREATE ROLE %s NOLOGIN", err, Role)
	case "42P16", "2BP01": // invalid_table_definition, dependent_objects_still_exist: an earlier version had other columns or views
		return fmt.Errorf("install the schema analytics: %w. Run DROP SCHEMA analytics CASCADE and install it again; this also drops views of your own that use it", err)
	}
	return fmt.Errorf("install the schema analytics: %w", err)
}
