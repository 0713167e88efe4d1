package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrRights means that the user of the database may not create what the migrations need.
var ErrRights = errors.New("the user in DATABASE_URL lacks rights in the database")

// missingRights returns the statements that grant the rights that the migrations need and the current user lacks. If
// the database was migrated before, its tables belong to the user of that migration.
const missingRights = `
SELECT 'GRANT CREATE ON DATABASE ' || quote_ident(current_database()) || ' TO ' || quote_ident(current_user)
	WHERE NOT has_database_privilege(current_database(), 'CREATE')
UNION ALL
SELECT 'GRANT USAGE, CREATE ON SCHEMA public TO ' || quote_ident(current_user)
	WHERE NOT (has_schema_privilege('public', 'CREATE') AND has_schema_privilege('public', 'USAGE'))
UNION ALL
SELECT 'ALTER TABLE ' || c.oid::regclass || ' OWNER TO ' || quote_ident(current_user)
	FROM pg_class c WHERE c.oid = to_regclass('public.goose_db_version') AND NOT pg_has_role(c.relowner, 'USAGE')`

// checkRights returns ErrRights with the statements that give the missing rights, unless the database has the migration newest.
func checkRights(ctx context.Context, db *sql.DB, newest int64) error {
	var exists, done bool
	err := db.QueryRowContext(ctx, "SELECT to_regclass('public.goose_db_version') IS NOT NULL").Scan(&exists)
	if err == nil && exists {
		err = db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) >= $1 FROM public.goose_db_version WHERE is_applied", newest).Scan(&done)
	}
	if err != nil && !isCode(err, "42501") { // insufficient_privilege
		return fmt.Errorf("read the migrations of the database: %w", err)
	}
	if done {
		return nil
	}
	rows, err := db.QueryContext(ctx, missingRights)
	if err != nil {
		return fmt.Errorf("read the rights of the user: %w", err)
	}
	defer rows.Close()
	var grants []string
	for rows.Next() {
		var grant string
		if err := rows.Scan(&grant); err != nil {
			return fmt.Errorf("read the rights of the user: %w", err)
		}
		grants = append(grants, grant)
	}
	if err := rows.Err(); err != nil || len(grants) == 0 {
		return err
	}
	return fmt.Errorf("%w; its owner can grant them: %s", ErrRights, strings.Join(grants, "; "))
}
