package projections

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
)

var errSoon = errors.New("not there yet")

// FeedConfig says how a feed works; the zero value is usable.
type FeedConfig struct {
	Log      *slog.Logger
	Gauge    time.Duration // gauges of one room at most this often; default 250 ms
	Poll     time.Duration // how often the checkpoint is looked at without being woken while something waits; default 250 ms
	Profiles int           // remembered profiles; default 10000
	Pending  int           // events held back while the tables lag, before the tail waits; default 20000
}

// Feed releases deltas.
type Feed struct{}

// NewFeed makes a feed; Run runs it.
func NewFeed(store *eventstore.Store, queries *Queries, c FeedConfig) *Feed { return &Feed{} }

// Run tails the log until ctx ends.
func (f *Feed) Run(ctx context.Context) error { return errSoon }

// Subscribe answers batches in order from now on. The channel closes when ctx ends, when the feed
// ends, or when the subscriber stopped reading: then it has to begin anew.
func (f *Feed) Subscribe(ctx context.Context) (<-chan Batch, error) { return nil, errSoon }

// Checkpoint answers up to where everything has been released.
func (f *Feed) Checkpoint() int64 { return 0 }

// WaitFor returns when the tables have position.
func (f *Feed) WaitFor(ctx context.Context, position int64) error { return errSoon }

// Facts answers the first limit deltas of a room after one position up to another, from the log:
// what a subscriber would have seen. It does not answer KindMoved.
func (f *Feed) Facts(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]Delta, error) {
	return nil, errSoon
}

// Private answers the newest limit deltas of a person's private lane after one position up to
// another, oldest first, from the log.
func (f *Feed) Private(ctx context.Context, user domain.UserID, after, upTo int64, limit int) ([]Delta, error) {
	return nil, errSoon
}

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
