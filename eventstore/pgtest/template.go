package pgtest

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"roomlog/migrations"
)

const templateLock = 0x706774657374 // key of the advisory lock of templates: "pgtest" in ASCII

// template is the migrated database that tests copy.
type template struct {
	name    string
	serving bool // whether the server has the serving role
}

// migrated creates the template, once per server and set of migrations. It is a variable, because all tests of a
// process use one server.
var migrated = sync.OnceValues(func() (template, error) {
	c, err := shared()
	if err != nil {
		return template{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn)
	if err != nil {
		return template{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // closing the connection releases the lock
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(templateLock)); err != nil {
		return template{}, err
	}
	tpl := template{name: templatePrefix + migrations.Fingerprint()[:16]}
	if err := tpl.make(ctx, c, conn); err != nil {
		return template{}, fmt.Errorf("create the template database: %w", err)
	}
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AND pg_has_role($1, 'MEMBER')", migrations.Role).Scan(&tpl.serving)
	return tpl, err
})

// make creates the template, unless it exists. A database is marked as a template only when it is complete.
func (tpl template) make(ctx context.Context, c *cluster, conn *pgx.Conn) error {
	var done bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)", tpl.name).Scan(&done); err != nil || done {
		return err
	}
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + tpl.name, "CREATE DATABASE " + tpl.name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	dsn, err := withDatabase(c.dsn, tpl.name)
	if err != nil {
		return err
	}
	if _, err := migrations.Apply(ctx, dsn, migrations.Config{}); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+tpl.name+" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")
	return err
}
