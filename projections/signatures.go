package projections

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
)

var errSoon = errors.New("not there yet")

// Progress is how far a rebuild or a verification has come.
type Progress struct {
	Step     string // what it is at: "fold", "compare", "switch", …
	Position int64
	Head     int64
	Rate     float64 // events per second
	ETA      time.Duration
}

// RebuildConfig says how to rebuild.
type RebuildConfig struct {
	Now      func() time.Time // required
	Log      *slog.Logger
	Progress func(Progress) // nil: silent; called about once a second
	Force    bool           // switch although the new tables differ from the old ones
}

// Difference is one table that is not what it should be.
type Difference struct {
	Table string
	Text  string // the first row that differs
}

// Report is what a rebuild or a verification found.
type Report struct {
	Events      int64 // folded
	Position    int64 // the tables are as of this position
	Head        int64
	Generation  int64 // after a switch
	Took        time.Duration
	Rows        map[string]int64 // by table
	Poisoned    int64            // events set aside
	Differences []Difference
	Fault       string // the first fault that Verify found: "position 4711: version 3 of wallet-12 follows version 1"; "" for none
}

// Rebuild makes all read tables anew from the log beside the running ones, compares and switches.
func Rebuild(ctx context.Context, owner *pgxpool.Pool, store *eventstore.Store, c RebuildConfig) (Report, error) {
	return Report{}, errSoon
}

// Rollback switches back to the tables before the newest rebuild.
func Rollback(ctx context.Context, owner *pgxpool.Pool, c RebuildConfig) (Report, error) {
	return Report{}, errSoon
}

// VerifyConfig says how to verify.
type VerifyConfig struct {
	Now      func() time.Time // required
	Progress func(Progress)
}

// Verify compares the log with itself and the tables with the log, and names the first fault in Report.Fault.
func Verify(ctx context.Context, store *eventstore.Store, pool *pgxpool.Pool, c VerifyConfig) (Report, error) {
	return Report{}, errSoon
}
