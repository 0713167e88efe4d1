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

// SequencerConfig is the configuration of a sequencer. A zero field means its default.
type SequencerConfig struct {
	QueueSize     int           `default:"8192" min:"1" max:"1000000" unit:"commands" help:"Commands that wait for the log. More are refused as busy."`
	BatchSize     int           `default:"512" min:"1" max:"10000"`       // the most requests decided in one transaction
	CacheSize     int           `default:"100000" min:"1" max:"10000000"` // the most states of streams in memory
	SnapshotEvery int           `default:"200" min:"1" max:"1000000"`     // the versions of a stream between two snapshots
	Timeout       time.Duration `default:"5s" min:"1ms" max:"1h"`         // how long requests wait while the database is unreachable
	DrainTimeout  time.Duration `default:"10s" min:"1ms" max:"1h"`        // how long a shutdown executes the requests that wait
}

// Sequencer is the only writer of events. It gathers the requests that wait, takes the lock of the log, loads the states
// that their decisions read, decides one request after another in memory, and commits their events in one transaction.
type Sequencer struct {
	store  *Store
	config SequencerConfig
	queue  chan *call

	mu      sync.RWMutex // held to put into queue, and to close it for more
	closing bool

	// Only the goroutine of Run touches these.
	conn   *pgx.Conn
	states *stateCache
	random *bufio.Reader // of event ids
	outage outage

	stats struct{ batches, commands, events, refused, repeated, retries atomic.Int64 }
}

// NewSequencer returns a sequencer of a log. It works while Run runs, which may be called once.
func NewSequencer(s *Store, c SequencerConfig) *Sequencer {
	settings.Defaults(&c)
	return &Sequencer{
		store: s, config: c, queue: make(chan *call, c.QueueSize), states: newStateCache(c.CacheSize),
		random: bufio.NewReader(rand.Reader), outage: outage{timeout: c.Timeout},
	}
}

// Stats counts what a sequencer has done since it was created.
type Stats struct {
	Queued   int   // requests in the queue now
	Batches  int64 // transactions
	Commands int64 // requests finished
	Events   int64 // events appended
	Refused  int64 // requests that the rules refused
	Repeated int64 // requests whose idempotency key was seen before
	Retries  int64 // transactions that were repeated because of the database
}

// Stats returns the counts. It may be called at any time.
func (q *Sequencer) Stats() Stats {
	return Stats{len(q.queue), q.stats.batches.Load(), q.stats.commands.Load(), q.stats.events.Load(),
		q.stats.refused.Load(), q.stats.repeated.Load(), q.stats.retries.Load()}
}
