// Package backup contains the commands "roomlog backup" and "roomlog restore".
//
// A backup is a folder, or the same files as a tar stream: database/ (parts of one pg_dump in its custom format), uploads/,
// recordings/ or recordings-index/, secrets/ and, last, manifest.json with the SHA-256 of every file.
//
// It guarantees:
//
//   - The database is of one moment, and every upload that its log mentions at that moment is in the backup, unless it was deleted
//     while the backup was made.
//   - A backup under its final name is complete. A stream that was cut has no manifest, and is refused.
//   - A restore writes only into a database and a data folder that are empty. The database appears in one transaction, after all
//     files. Until the restore has ended, no server starts with the data folder, and no
//     command opens its private PostgreSQL.
//   - Secrets are in a backup only if the operator has asked for them.
//
// It never changes the database that it backs up, and never deletes what it has not written.
package backup
