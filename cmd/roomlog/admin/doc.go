// Package admin contains all commands of roomlog except serve, docs and version. They can run while servers use the
// same database or data folder. Without a server, they run the private PostgreSQL until they have finished.
//
// A command that changes something appends to the log like a server does, and returns when the tables contain the
// change. The commands contain no rules of the domain.
package admin
