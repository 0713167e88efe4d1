package rebuild

import (
	"time"

	"roomlog/eventstore/audit"
)

// A Difference is a table with rows that differ from the rows derived from the log.
type Difference struct {
	Table string
	Text  string // description of the first row that differs
}

// Report is the result of a rebuild, a rollback or a verification.
type Report struct {
	Events      int64 // number of events that were read
	Position    int64 // position of the tables
	Head        int64 // position of the newest event of the log
	Generation  int64 // generation of the tables
	Took        time.Duration
	Rows        map[string]int64 // number of rows of each table
	Poisoned    int64            // number of rows of table poison
	Compared    bool             // whether the new tables were compared with the tables in use
	Differences []Difference

	Faults     []audit.Fault // faults that Verify has found, at most 1000
	OpenPoison int           // number of events that cannot be applied and are not set aside, at most 100, as found by Verify
	SetAside   int           // number of events that an operator has set aside, as found by Verify
	FaultCount int           // number of faults, including those that are not in Faults
}

// Newer returns the number of events that the tables do not contain yet.
func (r Report) Newer() int64 { return max(0, r.Head-r.Position) }
