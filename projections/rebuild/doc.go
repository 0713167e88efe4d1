// Package rebuild derives the read tables from the log again, to replace the tables in use (Run) or to check them
// (Verify). Rollback puts replaced tables into use again.
//
// A rebuild fills a second schema while the tables in use remain in service. If both have the same versions, it
// compares them row by row and switches only if they are equal or the caller forces it. The switch is one short
// transaction together with the checkpoint: readers see either the old tables or the new tables, never both. The
// replaced tables are kept until the next rebuild. Verify needs no rights to change anything: its tables are temporary.
//
// The package never writes the log, and never writes a table in use.
package rebuild
