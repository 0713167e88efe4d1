// Package admin contains the commands of roomlog besides serve. They work beside running servers on the same database
// or data folder; without a server they run the private PostgreSQL for as long as they take.
//
// A command that changes something appends to the log like a server does and returns when the tables have the change.
// Commands contain no rule: the domain decides.
package admin
