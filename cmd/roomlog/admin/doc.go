// Package admin contains the commands that administer the log and read from it. They can run while servers use the same
// database or data folder. Without a server, they run the private PostgreSQL until they have finished.
//
// A command that changes something appends to the log like a server does, and returns when the tables contain the
// change. The commands contain no rules of the domain.
package admin
