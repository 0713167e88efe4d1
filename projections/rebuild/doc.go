// Package rebuild derives the read tables from the log once more: to replace them (Run), to go back to the ones before
// (Rollback), or to check them (Verify).
//
// A rebuild fills a second schema beside the tables in use, which remain in service. If both have the same versions, it
// compares them row by row and switches only if they are equal or the caller forces it. The switch is one short
// transaction together with the checkpoint: readers see the old tables or the new ones, never both. The replaced tables
// are kept for a week. Verify needs no rights to change anything: its tables are temporary.
//
// The package never writes the log, and never writes a table in use.
package rebuild
