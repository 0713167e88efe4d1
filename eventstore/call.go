package eventstore

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"roomlog/domain"
	"roomlog/internal/tracing"
)

// call is one request in the sequencer. outcome and err are set before the channel done is closed.
type call struct {
	request domain.Request
	actor   string
	hash    []byte          // SHA-256 of the command and its fingerprint; nil if the request has no idempotency key
	streams []domain.Stream // the streams that the decision reads, sorted
	state   atomic.Int32
	outcome outcome
	err     error
	done    chan struct{}
}

// The states of a call.
const (
	queued    int32 = iota
	taken           // the sequencer executes the call
	abandoned       // the caller no longer waits
)

// outcome is the result of a request.
type outcome struct {
	position int64
	events   int
	refusal  *domain.Refusal
	repeated bool
	first    int      // index of the request's first event among the records of the batch
	records  []Record // events of the request, set when the batch is committed; nil for a repeated request

	batch *tracing.Batch // the transaction; nil if it has failed, or without a tracer
}

func newCall(r domain.Request) (*call, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	c := &call{request: r, actor: r.Actor.String(), streams: r.Reads(), done: make(chan struct{})}
	slices.Sort(c.streams)
	c.streams = slices.Compact(c.streams)
	if r.IdempotencyKey != "" {
		body, err := json.Marshal(r.Command)
		if err != nil {
			return nil, fmt.Errorf("hash %s: %w", r.Command.Type(), err)
		}
		sum := sha256.New()
		sum.Write([]byte(r.Command.Type() + "\n"))
		sum.Write(body)
		if f, ok := r.Command.(domain.FingerprintedCommand); ok {
			sum.Write([]byte("\n" + f.Fingerprint()))
		}
		c.hash = sum.Sum(nil)
	}
	return c, nil
}

func (c *call) id() commandID { return commandID{c.actor, c.request.IdempotencyKey} }

// wait blocks until the call is finished. It fails when ctx ends. It fails with ErrUnavailable if the sequencer has not
// begun to execute the call within timeout.
func (c *call) wait(ctx context.Context, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
	case <-timer.C:
		if c.state.CompareAndSwap(queued, abandoned) {
			return ErrUnavailable
		}
		select {
		case <-c.done:
			return nil
		case <-ctx.Done():
		}
	}
	c.state.Store(abandoned)
	select {
	case <-c.done: // the call was finished at the same moment
		return nil
	default:
		return ctx.Err()
	}
}

// take marks the call as being executed. It reports false if the caller no longer waits.
func (c *call) take() bool { return c.state.CompareAndSwap(queued, taken) || c.state.Load() == taken }

// finish sets the outcome or the error of the call, and wakes the caller.
func (c *call) finish(o outcome, err error) {
	c.outcome, c.err = o, err
	close(c.done)
}

// commandID is the primary key of table command.
type commandID struct{ actor, key string }

// commandRow is a row of table command.
type commandRow struct {
	commandID
	hash    []byte
	coins   bool
	outcome outcome
}
