package relay

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/internal/wait"
	"roomlog/media"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = time.Second

	originCheck = time.Minute // maximum time between two look-ups of the origin
)

// The outcomes of a connection to an origin that are no faults. All but errMoved end a pull.
var (
	errOver     = errors.New("relay: the broadcast has ended")
	errReplaced = errors.New("relay: the claim to the stream has ended")
	errMoved    = errors.New("relay: the origin is another one now")
)

// errSilent is the fault of a connection on which no data arrives.
var errSilent = errors.New("relay: the node has sent nothing for some seconds")

// counts are the numbers of connections to origins that have ended before their broadcast.
type counts struct{ lost, restarted atomic.Uint64 }

// pull relays one stream.
type pull struct {
	cfg    Config
	server *media.Server
	faults *faults
	*counts
	key     string
	cancel  context.CancelFunc
	done    chan struct{} // closed when the pull has ended
	ready   chan struct{} // closed when players can start
	started sync.Once
	signal  *wait.Signal
	current atomic.Pointer[string] // id of the broadcast that is relayed, or was relayed last; nil before the first connection
	over    atomic.Pointer[string] // id of the broadcast that has ended for good according to the log; nil if there is none
	waiters atomic.Int64           // HLS players that wait

	claim    atomic.Pointer[media.Relayed]      // nil before the first connection
	conn     atomic.Pointer[context.CancelFunc] // ends the connection to the origin; nil if there is none
	idleFrom time.Time                          // used only by Puller.sweep; zero while there are players
}

func newPull(cfg Config, server *media.Server, faults *faults, counts *counts, key string, cancel context.CancelFunc) *pull {
	return &pull{cfg: cfg, server: server, faults: faults, counts: counts, key: key, cancel: cancel, done: make(chan struct{}), ready: make(chan struct{}), signal: wait.NewSignal()}
}

// disconnect ends the connection to the origin.
func (u *pull) disconnect() {
	if cancel := u.conn.Load(); cancel != nil {
		(*cancel)()
	}
}

// isIdle reports whether the stream has had no players for RelayIdle.
func (u *pull) isIdle(now time.Time) bool {
	claim := u.claim.Load()
	if claim == nil || claim.Players() > 0 || u.waiters.Load() > 0 {
		u.idleFrom = time.Time{}
		return false
	}
	if u.idleFrom.IsZero() {
		u.idleFrom = now
	}
	return now.Sub(u.idleFrom) >= u.cfg.RelayIdle
}

// endIfUnused ends the claim if it still holds the stream and the stream has no players. It reports whether it has ended the claim.
func (u *pull) endIfUnused() bool {
	claim := u.claim.Load()
	return claim != nil && claim.EndIfUnused()
}

// isOver reports whether the log has a final end of the broadcast that was relayed.
func (u *pull) isOver() bool {
	over, current := u.over.Load(), u.current.Load()
	return over != nil && current != nil && *over == *current
}

// mayRelay reports whether the pull relays a broadcast, or may be about to: before its first connection, nothing is known.
func (u *pull) mayRelay(broadcast string) bool {
	current := u.current.Load()
	return current == nil || *current == broadcast
}

// isWanted reports whether players wait for a publisher.
func (u *pull) isWanted() bool { return u.waiters.Load() > 0 || u.server.IsWaiting(u.key) }

// run relays the stream until its broadcast ends, a publisher at this node replaces it, or nobody waits for it. It returns the count
// of the signal before the last look-up.
func (u *pull) run(ctx context.Context) (seen uint64) {
	cfg := u.cfg
	defer u.end()
	backoff := wait.Backoff{Min: firstRetry, Max: lastRetry}
	var lostAt time.Time
	for ctx.Err() == nil {
		seen = u.signal.Count()
		origin, err := u.lookUp(ctx)
		if err == nil {
			var frames bool
			frames, err = u.connect(ctx, origin, seen)
			if frames {
				backoff.Reset()
				lostAt = cfg.Now()
			}
		}
		switch {
		case ctx.Err() != nil, errors.Is(err, errOver), errors.Is(err, errReplaced):
			return seen
		case u.claim.Load() != nil:
			if cfg.Now().Sub(lostAt) >= cfg.Grace || u.isOver() {
				return seen
			}
		case errors.Is(err, ErrNoOrigin), !u.isWanted():
			return seen
		}
		if !errors.Is(err, ErrNoOrigin) && !errors.Is(err, errMoved) && !errors.Is(err, errRestart) && u.faults.changed(origin.Node, err) {
			cfg.Log.WarnContext(ctx, "origin of a stream not available, retrying", slog.String("node", origin.Node), slog.Any("error", err))
		}
		u.signal.Wait(ctx, seen, backoff.Next())
	}
	return seen
}

// lookUp returns the origin of the stream.
func (u *pull) lookUp(ctx context.Context) (Origin, error) {
	origin, err := u.cfg.Origins.Origin(ctx, u.key)
	if err == nil && origin.URL == "" {
		if u.faults.changed(origin.Node, errNoURL) {
			u.cfg.Log.WarnContext(ctx, "stream is at a node without --media-internal-url, its players at other nodes wait", slog.String("node", origin.Node))
		}
		err = ErrNoOrigin
	}
	return origin, err
}

// end ends the claim to the stream.
func (u *pull) end() {
	if claim := u.claim.Swap(nil); claim != nil {
		claim.End()
	}
}

// connect relays the stream from an origin until the connection ends. It reports whether it relayed frames. After a call of
// Want, it also ends the connection if the log names another origin, even before the response has begun. seen is the count
// of the signal before the look-up.
func (u *pull) connect(ctx context.Context, from Origin, seen uint64) (frames bool, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	var cancel context.CancelFunc = func() { stop(nil) }
	defer cancel()
	u.conn.Store(&cancel)
	defer u.conn.Store(nil)
	r, err := newRequest(ctx, u.cfg.Signer, u.cfg.Node, from, Path+u.key+flvSuffix)
	if err != nil {
		return false, err
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() { u.watchOrigin(ctx, cancel, from, seen) }) // also before the response, which waits for the encoder
	response, err := u.cfg.Client.Do(r)
	if err != nil && ctx.Err() != nil {
		return false, errMoved
	}
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, statusError(response.StatusCode)
	}
	body := bufio.NewReaderSize(response.Body, readBuffer)
	stream, err := source(response, body)
	if err != nil {
		return false, err
	}
	claim := u.claim.Load()
	if claim == nil {
		claim, err = u.server.Relayed(u.key, u.cancel)
		switch {
		case errors.Is(err, media.ErrAlreadyPublishing):
			return false, errReplaced
		case err != nil:
			return false, err
		}
		u.claim.Store(claim)
	}
	if claim.Begin(stream) != nil {
		return false, errReplaced
	}
	u.current.Store(&stream.Broadcast)
	u.faults.changed(from.Node, nil)
	silence := time.AfterFunc(u.cfg.Silence, func() { stop(errSilent) })
	defer silence.Stop()
	err = u.copy(claim, body, silence)
	if errors.Is(context.Cause(ctx), errSilent) {
		err = errSilent
	}
	if errors.Is(err, io.EOF) { // the origin has ended the stream; a lost connection ends in the middle of the body
		return true, errOver
	}
	switch {
	case errors.Is(err, errRestart):
		u.restarted.Add(1)
	case !errors.Is(err, errReplaced):
		u.lost.Add(1)
	}
	return true, err
}

// watchOrigin ends the connection when the log names another origin.
func (u *pull) watchOrigin(ctx context.Context, disconnect context.CancelFunc, from Origin, seen uint64) {
	for ctx.Err() == nil {
		now := u.signal.Wait(ctx, seen, originCheck)
		if now == seen {
			continue
		}
		seen = now
		if origin, err := u.cfg.Origins.Origin(ctx, u.key); err == nil && origin.Node != from.Node {
			disconnect()
		}
	}
}

// copy passes tags on until the connection ends. Each tag resets the timer silence.
func (u *pull) copy(claim *media.Relayed, body *bufio.Reader, silence *time.Timer) error {
	for {
		tag, err := readTag(body)
		if err != nil {
			return err
		}
		silence.Reset(u.cfg.Silence)
		startable, err := claim.Write(tag)
		if err != nil {
			return errReplaced
		}
		if startable {
			u.started.Do(func() { close(u.ready) })
		}
	}
}
