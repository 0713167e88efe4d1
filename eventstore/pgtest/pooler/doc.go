// Package pooler puts the connection pooler PgBouncer in front of the database of a test.
//
// It needs the program pgbouncer; ROOMLOG_SKIP=pgbouncer skips the tests that use it. Only tests may import the package.
package pooler
