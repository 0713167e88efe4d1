// Package reconcile reports whether the log, the tables, the bookkeeping and the transparency log agree now, at which
// position, and what waits for a decision.
//
// A report is cheap: it compares positions, checkpoints, sums and the proofs of two events, all in one state of the
// database. It reads neither the log nor the rows of every table. Package projections/rebuild does that (roomlog
// verify). The package writes nothing.
package reconcile
