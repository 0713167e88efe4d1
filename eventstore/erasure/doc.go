// Package erasure removes what deleted keys and password hashes leave in the files of the database. PostgreSQL keeps
// deleted rows in the file of their table, and keeps everything that was ever written in its write-ahead log, until it
// uses the space again.
//
// It needs the rights of the database owner, and for the write-ahead log those of a superuser. It reports what it could
// not remove. It cannot remove copies: backups, archived segments of the write-ahead log, standbys, and disk blocks
// that the file system has freed.
package erasure
