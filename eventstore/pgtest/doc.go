// Package pgtest gives every test a real PostgreSQL database of its own: migrated, empty, and dropped when the test
// ends. Tests may run in parallel, and so may the test binaries of "go test ./...": all of them share one server.
//
//	db := pgtest.New(t)
//	db.Pool.Exec(t.Context(), …)
//
// The first test process starts its own executable again as a supervisor. The supervisor is detached from "go test". It
// runs the server, in which everything that protects data from a power failure is switched off. A test process holds a
// shared lock until it ends. The supervisor ends when no process has held the lock for ten seconds. If
// TEST_DATABASE_URL is set, the tests use another server; its user must be allowed to create databases.
//
// ROOMLOG_SKIP=postgres skips every test that needs a database.
//
// Server starts a PostgreSQL server for one test alone, for example to kill it or to measure it.
//
// The package has two variables with state and an init function, against the rules of this project, so that a test
// needs no code to use it. Only tests may import it.
package pgtest
