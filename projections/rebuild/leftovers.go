package rebuild

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/projections"
)

// RemoveLeftovers drops the tables that a killed rebuild has left, because they contain texts of users. It does nothing
// while a rebuild is running. owner must have the rights of the database owner.
func RemoveLeftovers(ctx context.Context, owner *pgxpool.Pool, log *slog.Logger) error {
	var left bool
	err := owner.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", nextSchema).Scan(&left)
	if err != nil {
		return fmt.Errorf("look for an interrupted rebuild: %w", err)
	}
	if !left {
		return nil
	}
	err = withLockedConn(ctx, owner, func(conn *pgx.Conn) error {
		if err := drop(ctx, conn, nextSchema); err != nil {
			return err
		}
		log.WarnContext(ctx, "tables of an interrupted rebuild dropped", slog.String("schema", nextSchema))
		return nil
	})
	if errors.Is(err, ErrInProgress) {
		return nil
	}
	return err
}

// DropOld drops all tables that rebuilds have replaced, and returns the names of their schemas. Afterwards Rollback is
// not possible.
func DropOld(ctx context.Context, owner *pgxpool.Pool) (dropped []string, err error) {
	err = withLockedConn(ctx, owner, func(conn *pgx.Conn) error {
		dropped, err = dropReplaced(ctx, conn, 0)
		return err
	})
	if err != nil {
		return dropped, fmt.Errorf("drop the replaced tables: %w", err)
	}
	return dropped, nil
}

// dropReplaced drops all replaced schemas except the newest keep, and returns the names of the dropped schemas.
func dropReplaced(ctx context.Context, conn *pgx.Conn, keep int) (dropped []string, err error) {
	replaced, err := projections.ReplacedSchemas(ctx, conn)
	if err != nil {
		return nil, err
	}
	for _, s := range replaced[:max(0, len(replaced)-keep)] {
		if err := drop(ctx, conn, s.Name); err != nil {
			return dropped, err
		}
		dropped = append(dropped, s.Name)
	}
	return dropped, nil
}
