// Package localpg runs a private PostgreSQL as a child process, so that roomlog needs no set-up. It finds an
// installation or fetches one, creates a database in the data folder, and listens on a unix socket that only the user
// of this process can use. There is no TCP port and no password.
//
// It guarantees:
//
//   - Committed rows survive kill -9 of this process, of PostgreSQL, or of both, and the next Start needs no help. On
//     Linux PostgreSQL ends with its parent. On other systems the next Start stops it.
//   - A data folder has one owner: a second Start fails with ErrInUse. Attach finds the running server.
//   - Existing data is never deleted, and never opened by another major version. The error contains the version to
//     install.
//   - If this process is root, PostgreSQL runs as postgres or nobody, because it refuses to run as root.
//
// In the data folder, the package owns postgres/ (the data directory of PostgreSQL), run/ (the socket), postgres.log,
// postgres.lock, pg_hba.conf, pg_ident.conf and postgresql-*/ (the fetched installation). It does not depend on the
// tables of roomlog.
package localpg
