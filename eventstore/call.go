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
)

// call is one request on its way through the sequencer. outcome and err are set before done is closed.
type call struct {
	request domain.Request
	actor   string
	hash    []byte          // of what the client sent, if there is a key
	streams []domain.Stream // what the decision looks at
	stage   atomic.Int32
	outcome outcome
	err     error
	done    chan struct{}
}

// Stages of a call.
const (
	waiting int32 = iota // in the queue
	taken                // the sequencer is at it
	left                 // nobody waits for the answer any more
)

// outcome is what became of a request.
type outcome struct {
	position int64
	events   int
	refusal  *domain.Refusal
	repeated bool
	first    int      // index of its first event in the batch
	records  []Record // once the batch is committed; nil for a repeated one
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
		c.hash = sum.Sum(nil)
	}
	return c, nil
}

func (c *call) id() commandID { return commandID{c.actor, c.request.IdempotencyKey} }

// wait returns nil when the call is answered. It gives up when ctx ends, and with ErrUnavailable when
// the sequencer has not even begun with the call after patience.
func (c *call) wait(ctx context.Context, patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
	case <-timer.C:
		if c.stage.CompareAndSwap(waiting, left) {
			return ErrUnavailable
		}
		select {
		case <-c.done:
			return nil
		case <-ctx.Done():
		}
	}
	c.stage.Store(left)
	select {
	case <-c.done: // in the last moment
		return nil
	default:
		return ctx.Err()
	}
}

// take makes the call the sequencer's, unless its caller has left.
func (c *call) take() bool { return c.stage.CompareAndSwap(waiting, taken) || c.stage.Load() == taken }

func (c *call) answer(o outcome, err error) {
	c.outcome, c.err = o, err
	close(c.done)
}

// commandID is the primary key of the command table.
type commandID struct{ actor, key string }

// commandRow is what the command table remembers.
type commandRow struct {
	commandID
	hash    []byte
	coins   bool
	outcome outcome
}
