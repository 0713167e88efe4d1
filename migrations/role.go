package migrations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Role is what serving connections take with SET ROLE: it can add facts and can
// never change them. It belongs to the cluster, so no goose file makes it.
const Role = "roomlog_serving"

const (
	roleTries = 100
	rolePause = 20 * time.Millisecond
)

// ensureRole makes the role if need be, lets the current user take it, and tells
// whether that works. Other databases of the cluster may be at it in this moment,
// and no lock spans databases: who loses a race looks again.
func ensureRole(ctx context.Context, conn *pgx.Conn, log *slog.Logger) (bool, error) {
	var err error
	for range roleTries {
		var ok bool
		if ok, err = canTake(ctx, conn); err != nil || ok {
			return ok, err
		}
		err = makeRole(ctx, conn)
		switch {
		case isCode(err, "42501"): // insufficient_privilege
			log.WarnContext(ctx, "serving without a role of its own: this user may neither create nor grant it",
				slog.String("role", Role), slog.Any("err", err))
			return false, nil
		case err != nil && !lostRace(err):
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(rolePause):
		}
	}
	return false, fmt.Errorf("role %s cannot be taken: %w", Role, err)
}

// canTake tries; it is the only question that every version of PostgreSQL answers the same way.
func canTake(ctx context.Context, conn *pgx.Conn) (bool, error) {
	_, err := conn.Exec(ctx, "SET ROLE "+Role)
	switch {
	case err == nil:
		_, err = conn.Exec(ctx, "RESET ROLE")
		return err == nil, err
	case isCode(err, "42501"), isCode(err, "22023"): // not granted, not there
		return false, nil
	}
	return false, fmt.Errorf("take role %s: %w", Role, err)
}

func makeRole(ctx context.Context, conn *pgx.Conn) error {
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", Role).Scan(&there); err != nil {
		return err
	}
	if !there {
		if _, err := conn.Exec(ctx, "CREATE ROLE "+Role+" NOLOGIN"); err != nil {
			return fmt.Errorf("create role %s: %w", Role, err)
		}
	}
	if _, err := conn.Exec(ctx, "GRANT "+Role+" TO CURRENT_USER"); err != nil {
		return fmt.Errorf("grant role %s: %w", Role, err)
	}
	return nil
}

// lostRace tells whether another database's migration did the same at the same time.
func lostRace(err error) bool {
	return isCode(err, "42710") || isCode(err, "23505") || isCode(err, "XX000") // the last: "tuple concurrently updated"
}

func isCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
