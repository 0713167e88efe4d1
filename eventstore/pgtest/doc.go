// Package pgtest gives every test a real PostgreSQL database of its own: migrated,
// empty, and gone when the test ends. Tests may run in parallel, and so may the
// test binaries of `go test ./...`; all of them share one server.
//
//	db := pgtest.New(t)
//	db.Pool.Exec(t.Context(), …)
//
// The first test process starts its own executable once more, as a supervisor that
// is detached from `go test` and holds the server, with everything switched off
// that survives a power cut. A test process holds a shared lock while it lives; the
// supervisor ends when nobody has held it for ten seconds. TEST_DATABASE_URL names
// a server to use instead; its user has to be allowed to create databases.
//
// ROOMLOG_SKIP=postgres skips every test that asks for a database.
//
// Server starts a PostgreSQL for one test alone, to be killed or measured.
//
// The package keeps one connection list per process and has an init function, both
// against the rules of this project, because a test package needs to do nothing to
// use it. Only tests may import it.
package pgtest
