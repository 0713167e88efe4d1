package migrations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Role is the role that the connections of servers take with SET ROLE. It may append events but never change them. A
// role belongs to the whole PostgreSQL server and not to one database, so no migration creates it.
const Role = "roomlog_serving"

const (
	roleTries = 100
	rolePause = 20 * time.Millisecond
)

// ensureRole creates the role unless it exists, and permits the current user to take it. If the user lacks the right to do so,
// ensureRole returns the refusal of the database. Another
// process may do the same for another database of the cluster, and no lock spans databases. ensureRole therefore tries again
// when the other process was faster.
func ensureRole(ctx context.Context, conn *pgx.Conn) (refused, err error) {
	for range roleTries {
		var ok bool
		if ok, err = canTake(ctx, conn); err != nil || ok {
			return nil, err
		}
		err = makeRole(ctx, conn)
		switch {
		case isCode(err, "42501"): // insufficient_privilege
			return err, nil
		case err != nil && !lostRace(err):
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(rolePause):
		}
	}
	return nil, fmt.Errorf("role %s cannot be taken: %w", Role, err)
}

// canTake reports whether the current user can take the role. It tries SET ROLE, because that works in the same way in
// every version of PostgreSQL.
func canTake(ctx context.Context, conn *pgx.Conn) (bool, error) {
	_, err := conn.Exec(ctx, "SET ROLE "+Role)
	switch {
	case err == nil:
		_, err = conn.Exec(ctx, "RESET ROLE")
		return err == nil, err
	case isCode(err, "42501"), isCode(err, "22023"): // not granted, or the role does not exist
		return false, nil
	}
	return false, fmt.Errorf("take role %s: %w", Role, err)
}

// makeRole creates the role unless it exists, and grants it to the current user.
func makeRole(ctx context.Context, conn *pgx.Conn) error {
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", Role).Scan(&exists); err != nil {
		return err
	}
	if !exists {
		if _, err := conn.Exec(ctx, "CREATE ROLE "+Role+" NOLOGIN"); err != nil {
			return fmt.Errorf("create role %s: %w", Role, err)
		}
	}
	if _, err := conn.Exec(ctx, "GRANT "+Role+" TO CURRENT_USER"); err != nil {
		return fmt.Errorf("grant role %s: %w", Role, err)
	}
	return nil
}

// lostRace reports whether err occurred because the migration of another database created or granted the role at the
// same time.
func lostRace(err error) bool {
	return isCode(err, "42710") || isCode(err, "23505") || isCode(err, "XX000") // XX000 is "tuple concurrently updated"
}

func isCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
