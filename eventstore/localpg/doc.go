// Package localpg runs a private PostgreSQL as a child of this process, so that
// roomlog needs no set-up: it finds an installation (or fetches one), makes a
// cluster in the data folder, and listens on a unix socket that only the user of
// this process can reach. There is no port and no password.
//
// What it promises:
//
//   - Committed rows outlive kill -9 of this process, of PostgreSQL, or of both,
//     and the next Start needs no help. On Linux PostgreSQL ends with its parent;
//     elsewhere the next Start ends what was left.
//   - One data folder has one owner: a second Start answers ErrInUse. Attach finds
//     the running server instead.
//   - Existing data is never deleted, and never started by another major version:
//     the error names the version that is needed.
//   - As root, PostgreSQL runs as postgres or nobody, because it refuses root.
//
// In the data folder it owns postgres/ (the cluster), run/ (the socket),
// postgres.log, postgres.lock, pg_hba.conf, pg_ident.conf and postgresql-*/ (what
// it fetched). It imports nothing of roomlog and knows nothing about its tables.
package localpg
