// Package holds records in the log whose coins are closed, because decisions read only the log. While coins are closed,
// no command may move them.
//
// When the projector finds a coin event that cannot be applied, it adds holds to the read tables: rows with the users
// whose coins are closed. The log must contain a closing for each of them. A Recorder compares the holds in the tables
// with the closings in the log and appends the missing events: coins.closed for a new hold, coins.opened for a closing
// whose hold has ended. Coins are therefore open again only when the tables have applied everything that waited for
// them. Several Recorders may run on one database: each command takes effect once.
//
// The package makes no decisions about events. It appends only with commands of package domain.
package holds
