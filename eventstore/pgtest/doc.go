// Package pgtest gives every test a real PostgreSQL database of its own: migrated, empty, and dropped when the test ends. Tests
// may run in parallel, and so may the test binaries of `go test ./...`: all of them share one server.
//
//	db := pgtest.New(t)
//	db.Pool.Exec(t.Context(), …)
//
// The first test process starts its own executable again as a supervisor. The supervisor is detached from `go test` and runs
// the server, with everything switched off that protects data from a power cut. A test process holds a shared lock until it
// ends. The supervisor ends when no process has held the lock for ten seconds. With TEST_DATABASE_URL the tests use another
// server; its user has to be allowed to create databases.
//
// ROOMLOG_SKIP=postgres skips every test that needs a database.
//
// Server starts a PostgreSQL for one test alone, to be killed or measured.
//
// The package has two variables with state and an init function, against the rules of this project: a test needs to do nothing
// to use it. Only tests may import it.
package pgtest
