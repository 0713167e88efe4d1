// Package projections derives tables from the log and reads them.
//
// A Projector applies the events of the log to all tables and moves their checkpoint, in one transaction for each
// batch. Queries reads the tables. Admission checks sessions and owners of lives. The table of deltas (DeltaSpecs)
// defines which clients receive which change, and in which form. Package projections/feed delivers the deltas to the
// servers. Package projections/rebuild derives the tables from the log again.
//
// The tables follow from the log alone: no clock and no random number has an influence, so that they can be rebuilt at
// any time. Each table has one projection that writes it. An event that a projection cannot apply is kept in table poison. Coins are
// exact: such an event closes the coins of those whom it concerns, and their later coin events wait until it is set aside.
//
// The package never appends to the log.
package projections
