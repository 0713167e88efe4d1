package replay

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"roomlog/eventstore"
	"roomlog/internal/wait"
)

const eventsPerRead = 500

// Player writes replays of the log to HTTP clients. It is safe for concurrent use.
type Player struct{ c Config }

// NewPlayer returns a Player with the configuration c.
func NewPlayer(c Config) *Player { return &Player{c} }

// progress is the state of one replay.
type progress struct {
	Request
	out     *writer
	written int64 // number of events that were written
}

// Play writes events to w. It returns when the request is complete, the client has disconnected or is too slow,
// Draining is closed, or Check fails. The last line contains the reason and a cursor.
func (p *Player) Play(ctx context.Context, w http.ResponseWriter, request Request) {
	request.Query.Limit = eventsPerRead
	r := &progress{Request: request, out: newWriter(p.c, w, request)}
	serving, stop := p.watch(ctx, r.out)
	defer stop()
	for {
		end, err := p.playPage(serving, r)
		if cause := context.Cause(serving); cause != nil {
			end, err = "", cause
		}
		text := ""
		switch {
		case ctx.Err() != nil || errors.Is(err, errReaderLost):
			return // the client can continue from the cursor of its last line
		case errors.Is(err, errDraining):
			end = "shutdown"
		case err != nil:
			code, explanation := p.c.Problem(ctx, err)
			end, text = string(code), explanation
		}
		if errors.Is(err, eventstore.ErrCursorLost) {
			r.out.scanned = r.out.position // in another history, a position up to which the log was searched has no meaning
		}
		if end != "" {
			r.out.writeEnd(ctx, p.c.Store, end, text)
			return
		}
	}
}

// errDraining is the cause with which a replay ends when Draining is closed.
var errDraining = errors.New("the server is shutting down")

// watch returns a context that ends with ctx, when Draining is closed, or when Check fails. The caller must call stop,
// which ends the context and waits for the goroutines of watch.
func (p *Player) watch(ctx context.Context, out *writer) (serving context.Context, stop func()) {
	serving, end := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		select {
		case <-p.c.Draining:
			end(errDraining)
		case <-serving.Done():
		}
	})
	running.Go(func() {
		for wait.Sleep(serving, p.c.CheckEvery) {
			if err := p.c.Check(serving); err != nil {
				end(err)
				out.hurry() // ends a write to a client that has stopped reading
				return
			}
		}
	})
	return serving, func() { end(nil); running.Wait() }
}

// playPage reads one page of the log and writes its events. If there are none, it waits for new events. If the replay
// is complete, it returns the reason, otherwise "".
func (p *Player) playPage(ctx context.Context, r *progress) (end string, err error) {
	seen := p.c.Store.Appended().Count()
	page, err := p.c.Store.Read(ctx, r.Query)
	if err != nil {
		return "", err
	}
	full := r.Limit > 0 && r.written+int64(len(page.Events)) >= r.Limit
	if full {
		page.Events = page.Events[:r.Limit-r.written]
	}
	if err := r.out.writeEvents(ctx, page.Events); err != nil {
		return "", err
	}
	r.written += int64(len(page.Events))
	if full {
		return "limit", nil
	}
	r.Query.After = page.Next
	r.out.scanned = page.Next
	switch atHead := page.Next >= page.Head; {
	case atHead && !r.Follow:
		return "head", nil
	case r.out.slow:
		return "slow", nil
	case atHead:
		p.c.Store.Appended().Wait(ctx, seen, p.c.Heartbeat)
	}
	if ctx.Err() == nil && p.c.Now().Sub(r.out.wroteAt) >= p.c.Heartbeat {
		return "", r.out.writeHeartbeat(ctx, p.c.Store)
	}
	return "", nil
}
