package replay

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/limit"
	"roomlog/internal/wait"
)

// Player writes replays of the log to HTTP clients. It is safe for concurrent use.
type Player struct{ c Config }

// NewPlayer returns a Player with the configuration c.
func NewPlayer(c Config) *Player { return &Player{c} }

// progress is the state of one replay.
type progress struct {
	Request
	from     *source
	out      *writer
	written  int64 // number of events that were written
	caughtUp bool  // whether the reader has reached the end of the log
}

// Play writes events to w. It returns when the request is complete, the client has disconnected or is too slow,
// Draining is closed, or Check fails. The last line contains the reason and a cursor. Play waits up to 10 s for a database
// that cannot be reached. If the log has another history then, it ends with the error ErrCursorLost.
func (p *Player) Play(ctx context.Context, w http.ResponseWriter, request Request) {
	if request.Limit == 0 {
		request.Limit = noLimit
	}
	r := &progress{Request: request, from: newSource(p.c, request), out: newWriter(p.c, w, request)}
	serving, stop := p.watch(ctx, r.out)
	defer stop()
	lost := outage{now: p.c.Now}
	for {
		end, err := p.playPage(serving, r)
		if err == nil {
			lost.ended()
		} else if lost.wait(serving, err) {
			continue
		}
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
			if domain.AsRefusal(err) == nil && request.Query.History != p.c.Store.History().Number {
				err = eventstore.ErrCursorLost // the change of the history is the cause of other errors
			}
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

// watch returns a context that ends with ctx, when Draining is closed, or when Check fails. While the database cannot be reached, watch
// repeats Check for up to 10 s. When Check has failed, watch also ends a write to a client that reads nothing. The caller must call stop,
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
		lost := outage{now: p.c.Now}
		for wait.Sleep(serving, p.c.CheckEvery) {
			err := p.c.Check(serving)
			for err != nil && lost.wait(serving, err) { // nothing can be read meanwhile
				err = p.c.Check(serving)
			}
			if serving.Err() != nil {
				return // Check has failed because the replay has ended
			}
			if lost.ended(); err != nil {
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
	events, end, err := r.from.read(ctx, r.Limit-r.written)
	if err != nil {
		return "", err
	}
	if err := r.out.writeEvents(ctx, events); err != nil {
		return "", err
	}
	r.written += int64(len(events))
	r.out.scanned = r.from.query.After
	switch {
	case end == endLimit, end == endUntil, end == endHead && !r.Follow:
		return end, nil
	case r.out.slow:
		return "slow", nil
	case end == endHead && !r.caughtUp && !r.out.hasCursor():
		r.caughtUp = true
		return "", r.out.writeCursor(ctx, p.c.Store)
	case end == endHead:
		r.caughtUp = true
		resume := limit.Pause(ctx)
		p.c.Store.Appended().Wait(ctx, seen, p.c.Heartbeat)
		resume()
	}
	if ctx.Err() == nil && p.c.Now().Sub(r.out.wroteAt) >= p.c.Heartbeat {
		return "", r.out.writeCursor(ctx, p.c.Store)
	}
	return "", nil
}
