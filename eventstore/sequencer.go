package eventstore

import (
	"bufio"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/internal/settings"
	"roomlog/internal/tracing"
)

// SequencerConfig configures a Sequencer. A zero field means its default.
type SequencerConfig struct {
	QueueSize     int           `default:"8192" min:"1" max:"1000000" unit:"commands" help:"Maximum number of commands that wait to be appended to the log. Further commands are refused with the code busy."`
	BatchSize     int           `default:"512" min:"1" max:"10000"`       // maximum number of requests in one transaction
	CacheSize     int           `default:"100000" min:"1" max:"10000000"` // maximum number of cached states
	SnapshotEvery int           `default:"200" min:"1" max:"1000000"`     // versions of a stream between two snapshots
	Timeout       time.Duration `default:"5s" min:"1ms" max:"1h"`         // time that requests wait while the database is unreachable
	DrainTimeout  time.Duration `default:"10s" min:"1ms" max:"1h"`        // time for executing the queued requests in a shutdown

	Tracer *tracing.Tracer // records commands and their transactions; nil: nothing is recorded

	RequireSynchronous bool `help:"Acknowledge commands only when a synchronous standby of PostgreSQL has them on disk. While none is connected, commands are refused and the server is not ready. Default: off."`
}

// Sequencer is the only writer of events. It takes the waiting requests as one batch, takes the lock of the log, and
// loads the states that the decisions read. It decides one request after another in memory, and commits the events in
// one transaction.
type Sequencer struct {
	store  *Store
	config SequencerConfig
	queue  chan *call

	mu      sync.RWMutex // read-locked to add a call to the queue, write-locked to set closing
	closing bool

	writable writability

	// Only the goroutine of Run uses the fields from here on.
	conn    *pgx.Conn
	head    string // content of select_head.sql
	states  *stateCache
	history int64         // number of the history that states belongs to
	session uint64        // session of the keyring: only keys that were read in this session may seal texts; see forget
	random  *bufio.Reader // source of random event ids
	outage  outage

	reported *reported // streams whose faults were already logged

	stats struct{ batches, commands, events, refused, repeated, retries, snapshots atomic.Int64 }
}

// NewSequencer returns a sequencer for the log s. It executes requests while Run runs. Call Run once.
func NewSequencer(s *Store, c SequencerConfig) *Sequencer {
	settings.Defaults(&c)
	return &Sequencer{
		store: s, history: 1, config: c, queue: make(chan *call, c.QueueSize), head: selectHead, states: newStateCache(c.CacheSize),
		reported: newReported(), random: bufio.NewReader(rand.Reader), outage: outage{timeout: c.Timeout},
	}
}

// Stats holds counters of a Sequencer since it was created.
type Stats struct {
	Queued   int   // requests that are in the queue now
	Batches  int64 // committed transactions
	Commands int64 // finished requests
	Events   int64 // appended events
	Refused  int64 // requests that the rules refused
	Repeated int64 // requests with an idempotency key that was used before
	Retries  int64 // transactions that were repeated because of the database

	InvalidSnapshots int64 // snapshots that were ignored because their checksum or content is invalid
}

// Stats returns the current counters. It is safe for concurrent use.
func (q *Sequencer) Stats() Stats {
	return Stats{len(q.queue), q.stats.batches.Load(), q.stats.commands.Load(), q.stats.events.Load(),
		q.stats.refused.Load(), q.stats.repeated.Load(), q.stats.retries.Load(), q.stats.snapshots.Load()}
}
