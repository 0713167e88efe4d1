package eventstore

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// Errors of Execute that are not the domain's. ErrBusy, ErrClosed and ErrUnavailable mean that the
// command was not carried out and will not be.
var (
	// ErrBusy: the queue is full. Ask again a little later.
	ErrBusy = errors.New("the log cannot take more commands at the moment")
	// ErrClosed: the sequencer is shutting down.
	ErrClosed = errors.New("the log is shutting down")
	// ErrUnavailable: the database has been away for too long.
	ErrUnavailable = errors.New("the database cannot be written at the moment")
	// ErrOutcomeUnknown: the connection broke while the command was being committed, and the database did not
	// come back in time to find out. Ask again with the same idempotency key.
	ErrOutcomeUnknown = errors.New("whether the command was carried out is not known")
)

// SequencerConfig says how a sequencer works; the zero value is usable.
type SequencerConfig struct {
	QueueSize     int           // requests that wait, at most; default 8192
	BatchSize     int           // requests decided in one transaction, at most; default 512
	CacheSize     int           // states remembered; default 100,000
	Timeout       time.Duration // how long requests wait for a database that is away; default 5 s
	DrainTimeout  time.Duration // how long shutting down may take; default 10 s
	SnapshotEvery int           // versions of a stream between two snapshots; default 200
}

func (c *SequencerConfig) setDefaults() {
	set := func(v *int, standard int) {
		if *v <= 0 {
			*v = standard
		}
	}
	set(&c.QueueSize, 8192)
	set(&c.BatchSize, 512)
	set(&c.CacheSize, 100_000)
	set(&c.SnapshotEvery, 200)
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	if c.DrainTimeout <= 0 {
		c.DrainTimeout = 10 * time.Second
	}
}

// Sequencer is the one door through which events are written. It gathers the requests that wait,
// takes the log's lock, loads what their decisions look at, decides one after another in memory, and
// commits what follows in one transaction.
type Sequencer struct {
	store  *Store
	config SequencerConfig
	queue  chan *call

	mu      sync.RWMutex // held to put into queue, and to close it for newcomers
	closing bool

	// Only Run's goroutine touches these.
	conn   *pgx.Conn
	states *stateCache
	random *bufio.Reader // of event ids
	away   away

	stats struct{ batches, commands, events, refused, repeated, retries atomic.Int64 }
}

// NewSequencer makes a sequencer of the log; Run makes it work, once.
func NewSequencer(s *Store, c SequencerConfig) *Sequencer {
	c.setDefaults()
	return &Sequencer{
		store: s, config: c, queue: make(chan *call, c.QueueSize), states: newStateCache(c.CacheSize),
		random: bufio.NewReader(rand.Reader), away: away{patience: c.Timeout},
	}
}

// Stats counts what a sequencer has done since it was made.
type Stats struct {
	Queued   int   // requests in the queue now
	Batches  int64 // transactions
	Commands int64 // requests answered
	Events   int64 // appended
	Refused  int64 // requests that the rules refused
	Repeated int64 // requests whose key was seen before
	Retries  int64 // transactions that had to be done again because of the database
}

// Stats answers the counts; it may be called at any time.
func (q *Sequencer) Stats() Stats {
	return Stats{len(q.queue), q.stats.batches.Load(), q.stats.commands.Load(), q.stats.events.Load(),
		q.stats.refused.Load(), q.stats.repeated.Load(), q.stats.retries.Load()}
}

// Receipt says what followed from a request.
type Receipt struct {
	Position int64    // of its last event; the end of the log if nothing followed
	Events   []Record // what followed, in order; empty if all was so already
	Repeated bool     // the key was seen before: this is the first outcome again
}

// Execute decides r.Command against the newest state and appends what follows, all or nothing.
// It answers after the commit: with the first outcome if r.Key was seen before from the same actor
// with the same command, with a *domain.Refusal if the rules say no, with ErrBusy at once if the
// queue is full. When ctx ends first the command may or may not be carried out: ask again with the
// same key.
func (q *Sequencer) Execute(ctx context.Context, r domain.Request) (Receipt, error) {
	c, err := newCall(r)
	if err != nil {
		return Receipt{}, err
	}
	if err := q.enqueue(c); err != nil {
		return Receipt{}, err
	}
	if err := c.wait(ctx, q.config.Timeout); err != nil {
		return Receipt{}, fmt.Errorf("%s: %w", r.Command.Type(), err)
	}
	out := c.outcome
	switch {
	case c.err != nil:
		return Receipt{}, c.err
	case out.refusal != nil:
		return Receipt{}, out.refusal
	case out.repeated && out.events > 0:
		out.records, err = q.store.between(ctx, out.position-int64(out.events), out.position)
		if err != nil {
			return Receipt{}, fmt.Errorf("%s: look up the first outcome: %w", r.Command.Type(), err)
		}
	}
	return Receipt{Position: out.position, Events: out.records, Repeated: out.repeated}, nil
}

func (s *Store) between(ctx context.Context, after, upTo int64) ([]Record, error) {
	page, err := s.Read(ctx, Query{After: after, UpTo: upTo, Limit: int(upTo - after)})
	for _, r := range page.Events {
		if r.Fault != nil {
			return nil, &DecodeError{r.Position, r.Type, r.Fault}
		}
	}
	return page.Events, err
}

func (q *Sequencer) enqueue(c *call) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closing {
		return ErrClosed
	}
	select {
	case q.queue <- c:
		return nil
	default:
		return ErrBusy
	}
}

// Run works until ctx ends; then it takes no more requests, answers all that wait, and returns.
func (q *Sequencer) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx)) // a shutdown interrupts no transaction, unless it takes too long
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(q.config.DrainTimeout, cut) })()
	defer q.disconnect()
	for {
		select {
		case c := <-q.queue:
			q.flush(work, q.gather(c))
		case <-ctx.Done():
			q.drain(work)
			return nil
		}
	}
}

// drain takes no more requests and answers those that wait.
func (q *Sequencer) drain(ctx context.Context) {
	q.mu.Lock()
	q.closing = true
	q.mu.Unlock()
	for {
		select {
		case c := <-q.queue:
			q.flush(ctx, q.gather(c))
		default:
			return
		}
	}
}

// smallBatch is how many requests make a commit worth its price.
const smallBatch = 64

// gather takes what waits behind first, without waiting for more. Those who were answered just now may
// be about to ask again: while the batch is small they get the processor before it, as long as
// there comes anything.
func (q *Sequencer) gather(first *call) []*call {
	for n := -1; n < len(q.queue) && n < smallBatch; runtime.Gosched() {
		n = len(q.queue)
	}
	calls := append(make([]*call, 0, 1+len(q.queue)), first)
	for len(calls) < q.config.BatchSize {
		select {
		case c := <-q.queue:
			calls = append(calls, c)
		default:
			return calls
		}
	}
	return calls
}
