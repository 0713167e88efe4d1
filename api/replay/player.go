package replay

import (
	"context"
	"errors"
	"net/http"

	"roomlog/eventstore"
)

const eventsPerRead = 500

// Player writes replays to HTTP clients. It is safe for concurrent use.
type Player struct{ c Config }

// NewPlayer returns a Player with the configuration c.
func NewPlayer(c Config) *Player { return &Player{c} }

// progress holds the state of one replay.
type progress struct {
	Request
	out     *writer
	written int64 // number of written events
}

// Play writes events to w. It returns when the request is complete, the client has disconnected or is too slow,
// Draining is closed, or Check fails. The last line contains the reason and a cursor.
func (p *Player) Play(ctx context.Context, w http.ResponseWriter, request Request) {
	request.Query.Limit = eventsPerRead
	r := &progress{Request: request, out: newWriter(p.c, w, request)}
	serving, stop := untilDrain(ctx, p.c.Draining)
	defer stop()
	for checked := p.c.Now(); ; {
		end, err := p.playPage(serving, r)
		if now := p.c.Now(); end == "" && err == nil && now.Sub(checked) >= p.c.Heartbeat {
			checked = now
			err = p.c.Check(serving)
		}
		switch {
		case ctx.Err() != nil || errors.Is(err, errReaderLost):
			return // the client can continue from the cursor of its last line
		case serving.Err() != nil:
			end = "shutdown"
		case err != nil:
			end = string(p.c.Code(ctx, err))
		}
		if errors.Is(err, eventstore.ErrCursorLost) {
			r.out.scanned = r.out.position // a position that was searched has another meaning now
		}
		if end != "" {
			r.out.writeEnd(ctx, p.c.Store, end)
			return
		}
	}
}

// untilDrain returns a context that ends with ctx or when draining is closed, whichever comes first. The caller must
// call stop, which ends the context and waits for its goroutine.
func untilDrain(ctx context.Context, draining <-chan struct{}) (serving context.Context, stop func()) {
	serving, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-draining:
			cancel()
		case <-serving.Done():
		}
	}()
	return serving, func() { cancel(); <-done }
}

// playPage reads one page of the log and writes its events. If there are no events to read, it waits for new events.
// It returns the reason why the replay is complete, or "" if it is not.
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
	if err := r.out.writeEvents(page.Events); err != nil {
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
