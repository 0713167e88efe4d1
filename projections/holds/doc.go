// Package holds records in the log whose coins are closed, so that decisions know it.
//
// The projector finds the events that cannot be applied and holds the coins that they concern, in the read tables. A Recorder
// compares the tables with the closings that are in the log and appends the difference: coins.closed when the tables hold coins,
// coins.opened when they hold them no more. So coins open only when the tables have applied everything that waited for them.
// Several Recorders may run on one database: the commands have an effect once.
//
// The package decides nothing about events. It appends only by the commands of package domain.
package holds
