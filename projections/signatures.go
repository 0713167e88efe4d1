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

// Live answers one room, or ErrNotFound.
func (q *Queries) Live(ctx context.Context, id domain.LiveID) (Live, error) { return Live{}, errSoon }

// LiveByKey answers the room with a stream key, or ErrNotFound.
func (q *Queries) LiveByKey(ctx context.Context, key string) (Live, error) { return Live{}, errSoon }

// Lives answers a page of rooms, newest first; pages count from 1.
func (q *Queries) Lives(ctx context.Context, page, size int) ([]Live, error) { return nil, errSoon }

// Gifts answers the gifts on the shelf.
func (q *Queries) Gifts(ctx context.Context) ([]Gift, error) { return nil, errSoon }

// AllGifts answers the shelf with what was withdrawn.
func (q *Queries) AllGifts(ctx context.Context) ([]Gift, error) { return nil, errSoon }

// Profile answers how a person is shown, or ErrNotFound.
func (q *Queries) Profile(ctx context.Context, id domain.UserID) (Profile, error) {
	return Profile{}, errSoon
}

// Profiles answers those of ids that there are.
func (q *Queries) Profiles(ctx context.Context, ids []domain.UserID) (map[domain.UserID]Profile, error) {
	return nil, errSoon
}

// Account answers what signing in under a name needs, or ErrNotFound.
func (q *Queries) Account(ctx context.Context, nameKey string) (Account, error) {
	return Account{}, errSoon
}

// User answers a person, or ErrNotFound.
func (q *Queries) User(ctx context.Context, id domain.UserID) (User, error) { return User{}, errSoon }

// Users answers up to limit people with larger ids than after.
func (q *Queries) Users(ctx context.Context, after domain.UserID, limit int) ([]User, error) {
	return nil, errSoon
}

// Balance answers a person's coins; 0 for whoever never had any.
func (q *Queries) Balance(ctx context.Context, id domain.UserID) (domain.Coins, error) {
	return 0, errSoon
}

// AccountBalance answers the coins of any account.
func (q *Queries) AccountBalance(ctx context.Context, a domain.Account) (domain.Coins, error) {
	return 0, errSoon
}

// Session answers a person's current session, "" for none.
func (q *Queries) Session(ctx context.Context, id domain.UserID) (string, error) { return "", errSoon }

// Room answers a snapshot of a room at one position, or ErrNotFound.
func (q *Queries) Room(ctx context.Context, id domain.LiveID) (Room, error) { return Room{}, errSoon }

// Gauges answers the newest figures of rooms, all at one position.
func (q *Queries) Gauges(ctx context.Context, ids []domain.LiveID) ([]Gauges, error) {
	return nil, errSoon
}

// Comments answers a page of what was said.
func (q *Queries) Comments(ctx context.Context, f CommentFilter) ([]Comment, error) {
	return nil, errSoon
}

// Viewers answers a page of who is or was where.
func (q *Queries) Viewers(ctx context.Context, f ViewerFilter) ([]Viewer, error) {
	return nil, errSoon
}

// GiftHistory answers a page of the gifts given.
func (q *Queries) GiftHistory(ctx context.Context, f GiftFilter) ([]GiftRecord, error) {
	return nil, errSoon
}

// CoinHistory answers a page of one account's movements.
func (q *Queries) CoinHistory(ctx context.Context, f CoinFilter) ([]Movement, error) {
	return nil, errSoon
}

// Processes answers the server processes that hold somebody present.
func (q *Queries) Processes(ctx context.Context) ([]string, error) { return nil, errSoon }

// Held answers up to limit of those whom a server process holds present, in order of live and user.
func (q *Queries) Held(ctx context.Context, process string, after Visit, limit int) ([]Visit, error) {
	return nil, errSoon
}

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

// ProjectorConfig says how a projector works.
type ProjectorConfig struct {
	Now func() time.Time // for the lag in seconds; required
	Log *slog.Logger     // nil: silent
}

// ProjectorStatus is where a projector stands.
type ProjectorStatus struct {
	Position   int64 // the checkpoint, whoever moved it
	Head       int64 // of the log
	LagSeconds float64
	Poisoned   int64 // events set aside, see table poison
	Halted     error // why it does not go on; nil while it does
}

// Projector moves the read tables forward.
type Projector struct{}

// NewProjector makes a projector of every projection; Run runs it.
func NewProjector(store *eventstore.Store, c ProjectorConfig) *Projector { return &Projector{} }

// Run projects until ctx ends.
func (p *Projector) Run(ctx context.Context) error { return errSoon }

// Status answers where the projector stands, as of at most a second ago.
func (p *Projector) Status() ProjectorStatus { return ProjectorStatus{} }

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
