// Package admin contains all commands of roomlog except serve, docs and version. They can run while servers use the same database
// or data folder; without a server they run the private PostgreSQL for as long as they take.
//
// A command that changes something appends to the log like a server does and returns when the tables have the change.
// Commands contain no rule: the domain decides.
package admin
