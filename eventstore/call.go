package eventstore

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"

	"roomlog/domain"
)

// call is one request on its way through the sequencer. outcome and err are set before done is closed.
type call struct {
	request   domain.Request
	actor     string
	hash      []byte          // of what the client sent, if there is a key
	streams   []domain.Stream // what the decision looks at
	abandoned atomic.Bool     // nobody waits any more
	outcome   outcome
	err       error
	done      chan struct{}
}

// outcome is what became of a request.
type outcome struct {
	position int64
	events   int
	refusal  *domain.Refusal
	repeated bool
	records  []Recorded // nil for a repeated one
}

func newCall(r domain.Request) (*call, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	c := &call{request: r, actor: r.By.String(), streams: r.Reads(), done: make(chan struct{})}
	slices.Sort(c.streams)
	c.streams = slices.Compact(c.streams)
	if r.Key != "" {
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

func (c *call) id() commandID { return commandID{c.actor, c.request.Key} }

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
