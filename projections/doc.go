// Package projections derives tables from the log and reads these tables.
//
// A Projector applies the events of the log to all tables and moves their checkpoint, in one transaction for each
// batch. Queries reads the tables. Admission checks sign-in sessions and owners of lives. The table of deltas
// (DeltaSpecs) defines which clients receive which change, and in which form. Package projections/feed delivers the
// deltas to the servers. Package projections/rebuild derives the tables from the log again.
//
// The tables depend only on the log, not on a clock or on random numbers, so they can be rebuilt at any time. Each
// table has one projection that writes it. An event that a projection cannot apply is recorded in table poison. Coins
// must be exact: if a coin event cannot be applied, it closes the coins of the users whom it concerns, so that no
// command may move them. Later coin events of these users wait until an operator sets the bad event aside.
//
// The package never appends to the log.
package projections
