package eventstore

import (
	"bufio"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/internal/settings"
)

// SequencerConfig configures a Sequencer. A zero field means its default.
type SequencerConfig struct {
	QueueSize     int           `default:"8192" min:"1" max:"1000000" unit:"commands" help:"Maximum number of commands that wait to be appended to the log. Further commands are refused with the code busy."`
	BatchSize     int           `default:"512" min:"1" max:"10000"`       // maximum number of requests in one transaction
	CacheSize     int           `default:"100000" min:"1" max:"10000000"` // maximum number of cached states
	SnapshotEvery int           `default:"200" min:"1" max:"1000000"`     // versions of a stream between two snapshots
	Timeout       time.Duration `default:"5s" min:"1ms" max:"1h"`         // time that requests wait while the database is unreachable
	DrainTimeout  time.Duration `default:"10s" min:"1ms" max:"1h"`        // time for the queued requests in a shutdown
}

// Sequencer is the only writer of events. It takes the waiting requests as one batch, takes the lock of the log, loads the
// states that the decisions read, decides one request after another in memory, and commits the events in one transaction.
type Sequencer struct {
	store  *Store
	config SequencerConfig
	queue  chan *call

	mu      sync.RWMutex // read-locked to enqueue a call, locked to set closing
	closing bool

	writable writability

	// Only the goroutine of Run uses these.
	conn    *pgx.Conn
	head    string // the statement select_head.sql
	states  *stateCache
	history int64         // number of the history that states belongs to
	session uint64        // the keys that were read in this session of the keyring may seal; see forget
	random  *bufio.Reader // for event ids
	outage  outage

	reported *reported // faults of streams that were logged

	stats struct{ batches, commands, events, refused, repeated, retries, snapshots atomic.Int64 }
}

// NewSequencer returns a sequencer for the log s. It executes requests while Run runs. Run may be called once.
func NewSequencer(s *Store, c SequencerConfig) *Sequencer {
	settings.Defaults(&c)
	return &Sequencer{
		store: s, history: 1, config: c, queue: make(chan *call, c.QueueSize), head: selectHead, states: newStateCache(c.CacheSize),
		reported: newReported(), random: bufio.NewReader(rand.Reader), outage: outage{timeout: c.Timeout},
	}
}

// Stats holds the counters of a Sequencer since its creation.
type Stats struct {
	Queued   int   // requests in the queue now
	Batches  int64 // transactions
	Commands int64 // requests finished
	Events   int64 // events appended
	Refused  int64 // requests that the rules refused
	Repeated int64 // requests whose idempotency key was used before
	Retries  int64 // transactions that were repeated because of the database

	InvalidSnapshots int64 // snapshots that were ignored because their checksum or content is not valid
}

// Stats returns the current counters. It is safe for concurrent use.
func (q *Sequencer) Stats() Stats {
	return Stats{len(q.queue), q.stats.batches.Load(), q.stats.commands.Load(), q.stats.events.Load(),
		q.stats.refused.Load(), q.stats.repeated.Load(), q.stats.retries.Load(), q.stats.snapshots.Load()}
}
