package relay

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"roomlog/internal/wait"
	"roomlog/media"
)

const (
	awaitTimeout = 5 * time.Second // maximum time that an HLS player waits for a stream of another node
	sweepPause   = 100 * time.Millisecond
)

// Puller relays the streams whose players are connected to this node and whose publisher is not. It implements
// media.RelaySource and is safe for concurrent use.
type Puller struct {
	cfg    Config
	server *media.Server
	frames *keyFrames
	faults *faults

	mu     sync.Mutex
	ctx    context.Context //nolint:containedctx // of Run: pulls begin with requests of players and end with Run
	pulls  map[string]*pull
	full   bool // whether a stream was not relayed because of MaxRelays
	ended  bool
	active sync.WaitGroup

	counts counts
}

// New returns a Puller. Attach must be called before it is used, and it pulls only while Run runs.
func New(c Config) (*Puller, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Puller{cfg: c, frames: newKeyFrames(c), faults: newFaults(), pulls: make(map[string]*pull)}, nil
}

// Attach sets the media server. It must be called before Run.
func (p *Puller) Attach(server *media.Server) { p.server = server }

// Run relays streams until ctx ends. Then it ends all relays and returns nil.
func (p *Puller) Run(ctx context.Context) error {
	p.mu.Lock()
	p.ctx = ctx
	p.mu.Unlock()
	for _, key := range p.server.Waiting() {
		p.Want(key)
	}
	for wait.Sleep(ctx, sweepPause) {
		p.sweep()
	}
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.active.Wait()
	return nil
}

// Want begins to relay a stream if another node has its publisher. If it is being relayed, a lost origin is looked up again.
// Want does not block.
func (p *Puller) Want(key string) { p.want(key, 0) }

// Moved looks up the origin of a stream again, if players here wait for the stream or it is relayed. Call it when a broadcast has
// begun at another node. It does not block.
func (p *Puller) Moved(key string) {
	if one := p.pulled(key); one != nil {
		one.signal.Notify()
	} else if p.server.IsWaiting(key) {
		p.Want(key)
	}
}

// Lost ends the connection to the origin of a broadcast, because the origin is not a member of the cluster any more. The players stay
// connected, as after every loss of the origin. If the stream already has another broadcast, nothing changes. Lost does not block.
func (p *Puller) Lost(key, broadcast string) {
	if one := p.pulled(key); one != nil && one.mayRelay(broadcast) {
		one.disconnect()
	}
}

// Ended ends a stream whose origin is lost, because its broadcast has ended and will not go on. If the stream already has another
// broadcast, nothing changes. Remaining frames of a connected origin are relayed. Ended does not block.
func (p *Puller) Ended(key, broadcast string) {
	if one := p.pulled(key); one != nil {
		one.over.Store(&broadcast)
		one.signal.Notify()
	}
}

// pulled returns the pull of a stream, or nil.
func (p *Puller) pulled(key string) *pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pulls[key]
}

// want returns the pull of a stream, which it begins if necessary, and adds HLS players that wait for it. It returns nil if no further
// stream can be relayed.
func (p *Puller) want(key string, waiters int64) *pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.pulls[key]
	switch {
	case one != nil:
		one.signal.Notify()
	case p.ctx == nil || p.ended || p.ctx.Err() != nil:
		return nil
	case len(p.pulls) >= p.cfg.MaxRelays:
		if !p.full {
			p.cfg.Log.Warn("limit of relayed streams reached, players wait", slog.Int("count", len(p.pulls)))
		}
		p.full = true
		return nil
	default:
		ctx, cancel := context.WithCancel(p.ctx)
		one = newPull(p.cfg, p.server, p.faults, &p.counts, key, cancel)
		p.pulls[key] = one
		p.active.Go(func() { p.run(ctx, one) })
	}
	one.waiters.Add(waiters)
	return one
}

// run runs a pull. If Want was called during its end, another pull begins.
func (p *Puller) run(ctx context.Context, one *pull) {
	seen := one.run(ctx)
	one.cancel()
	p.mu.Lock()
	delete(p.pulls, one.key)
	p.mu.Unlock()
	close(one.done)
	if one.signal.Count() != seen && p.server.IsWaiting(one.key) {
		p.Want(one.key)
	}
}

// sweep ends the pulls of streams without players, and begins those for which there was no room.
func (p *Puller) sweep() {
	now := p.cfg.Now()
	p.mu.Lock()
	all := slices.Collect(maps.Values(p.pulls))
	p.mu.Unlock()
	for _, one := range all { // without the lock, because players call Want while they hold the lock of their stream
		if one.isIdle(now) && one.endIfUnused() {
			one.cancel()
		}
	}
	p.mu.Lock()
	retry := p.full && len(p.pulls) < p.cfg.MaxRelays
	p.full = p.full && !retry
	p.mu.Unlock()
	if retry {
		for _, key := range p.server.Waiting() {
			p.Want(key)
		}
	}
}

// Await begins to relay a stream and blocks until players can start, for at most five seconds. It returns media.ErrNoBroadcast if
// no other node has the publisher, and media.ErrLimitReached if no further stream can be relayed.
func (p *Puller) Await(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout)
	defer cancel()
	for range 2 { // the first pull may be ending
		one := p.want(key, 1)
		if one == nil {
			return media.ErrLimitReached
		}
		defer one.waiters.Add(-1)
		select {
		case <-one.ready:
			return nil
		case <-one.done:
		case <-ctx.Done():
			return media.ErrNoBroadcast
		}
	}
	return media.ErrNoBroadcast
}

// KeyFrame returns an FLV file with the newest key frame of a stream at another node. The file is used for some seconds.
func (p *Puller) KeyFrame(ctx context.Context, key string) ([]byte, error) {
	file, err := p.frames.get(ctx, key)
	if errors.Is(err, ErrNoOrigin) {
		return nil, media.ErrNoBroadcast
	}
	return file, err
}

// Stats are the counters of a Puller.
type Stats struct {
	Pulls     int    // streams that are relayed, or whose origin is being looked up
	Lost      uint64 // connections to origins that were lost
	Restarted uint64 // connections that their origins have ended, because the tracks of the stream have changed
}

// Stats returns the current counters.
func (p *Puller) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{len(p.pulls), p.counts.lost.Load(), p.counts.restarted.Load()}
}
