// Package rebuild derives the read tables from the log again, to replace the tables in use (Run) or to check them
// (Verify). Rollback puts replaced tables into use again.
//
// A rebuild fills a second schema while the tables in use remain in service. If both have the same versions, it
// compares them row by row. It then switches only if they are equal or the caller forces the switch. The switch is one
// short transaction together with the checkpoint: readers see either all old tables or all new tables. The replaced
// tables are kept until the next rebuild. Verify needs no right to change anything, because its tables are temporary.
//
// The package never writes to the log or to a table in use.
package rebuild
