package broadcasts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/wait"
	"roomlog/media"
	"roomlog/projections"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = time.Second
	lastTry    = 4 * time.Second // maximum time for commands that are pending when the server stops
)

// eventLog records the beginning and end of the broadcasts of this node in the log.
type eventLog struct {
	cfg    Config
	server *serverRef

	exhausted atomic.Bool // whether the log was unavailable during a shutdown, so that later commands are not tried

	mu      sync.Mutex
	running map[string]*entry // entries by media.Broadcast.ID
}

// entry is a broadcast of this node with its data in the log.
type entry struct {
	key       string
	live      domain.LiveID
	id        domain.BroadcastID // the id of the broadcast, or another id after another node has ended it, see markEnded
	broadcast media.Broadcast

	after int64 // a position before the event of the beginning
	ended int64 // position at which another node has recorded the end; 0: not received
}

func newEventLog(cfg Config, server *serverRef) *eventLog {
	return &eventLog{cfg: cfg, server: server, running: make(map[string]*entry)}
}

// started records the beginning of a broadcast. It blocks until the log has accepted or refused it.
func (l *eventLog) started(ctx context.Context, b media.Broadcast) {
	ctx, traced := l.cfg.Tracer.Start(ctx)
	code := ""
	defer func() { traced.End("broadcast", "start", code) }()
	live, err := l.liveOf(ctx, b.Key)
	if err != nil {
		l.logMissingStart(ctx, b, err)
		l.server.Cut(b.Key, media.ReasonEnded)
		return
	}
	e := entry{key: b.Key, live: live, id: domain.BroadcastID(b.ID), broadcast: b, after: l.cfg.Feed.Checkpoint()}
	known := e
	l.mu.Lock()
	l.running[b.ID] = &known
	l.mu.Unlock()
	receipt, err := l.begin(ctx, e, l.cfg.AutoLive)
	code = eventstore.ErrorCode(err)
	if err != nil {
		l.remove(b) // the end is not recorded either
		l.cutIfRefused(e, err)
		return
	}
	l.cfg.OnChange(ctx, Change{Broadcast: b, Live: live, Position: receipt.Position})
}

// begin executes the command that begins a broadcast.
func (l *eventLog) begin(ctx context.Context, e entry, onAir bool) (eventstore.Receipt, error) {
	b := e.broadcast
	receipt, err := l.execute(ctx, "broadcast-"+string(e.id), domain.StartBroadcast{Live: e.live, Broadcast: e.id, Node: l.cfg.Cluster.Node(), OnAir: onAir,
		Media: domain.MediaInfo{Video: string(b.Video), Width: b.Size.Width, Height: b.Size.Height, Audio: string(b.Audio)}})
	if err != nil {
		l.logMissingStart(ctx, b, err)
	}
	return receipt, err
}

// cutIfRefused cuts a stream whose broadcast the log has refused.
func (l *eventLog) cutIfRefused(e entry, err error) {
	if domain.AsRefusal(err) != nil {
		l.server.Cut(e.key, media.ReasonEnded)
	}
}

// stopped records the end of a broadcast. It blocks until the log has accepted or refused it.
func (l *eventLog) stopped(ctx context.Context, b media.Broadcast, reason media.Reason) {
	e := l.remove(b)
	if e == nil {
		return // the beginning was not recorded
	}
	ctx, traced := l.cfg.Tracer.Start(ctx)
	receipt, err := l.execute(ctx, "", domain.StopBroadcast{Live: e.live, Broadcast: e.id, Cause: causeOf(reason), Bytes: int64(min(b.Bytes, 1<<62))})
	traced.End("broadcast", "stop", eventstore.ErrorCode(err))
	if err != nil {
		l.logMissingEnd(ctx, b, err)
		return
	}
	position := receipt.Position
	if len(receipt.Events) == 0 { // the end had been recorded before
		position = e.ended
	}
	l.cfg.OnChange(ctx, Change{Broadcast: b, Reason: reason, Live: e.live, Position: position})
}

// markEnded stores that the log has the end of a broadcast of this node. If the end was recorded because the node was
// considered lost, the broadcast gets a new id, because a broadcast ends only once in the log. markEnded reports
// false if this node has no such broadcast.
func (l *eventLog) markEnded(e domain.BroadcastStopped, position int64) (entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, own := range l.running {
		if own.id == e.Broadcast {
			if e.Cause == domain.StopNodeLost {
				own.id = domain.BroadcastID(fmt.Sprintf("%s-%d", own.broadcast.ID, l.cfg.Now().UnixMilli()))
			} else {
				own.ended = position
			}
			return *own, true
		}
	}
	return entry{}, false
}

// mediaID returns the id that the media server of a broadcast uses: the id in the log without the suffix of markEnded.
func mediaID(id domain.BroadcastID) string {
	before, _, _ := strings.Cut(string(id), "-")
	return before
}

// resume begins a broadcast again after another node has ended it because this node was considered lost, or after the log has
// fallen back to an earlier state. Nothing changes if the log has the beginning.
func (l *eventLog) resume(ctx context.Context, e entry, onAir bool) {
	if _, err := l.begin(ctx, e, onAir); err != nil {
		l.cutIfRefused(e, err)
		return
	}
	l.mu.Lock()
	_, running := l.running[e.broadcast.ID]
	l.mu.Unlock()
	if running {
		return
	}
	// The broadcast has ended while its beginning was recorded.
	if _, err := l.execute(ctx, "", domain.StopBroadcast{Live: e.live, Broadcast: e.id, Cause: domain.StopConnectionLost}); err != nil {
		l.logMissingEnd(ctx, e.broadcast, err)
	}
}

// list returns the broadcasts of this node that are recorded as running.
func (l *eventLog) list() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]entry, 0, len(l.running))
	for _, e := range l.running {
		all = append(all, *e)
	}
	return all
}

// remove removes a broadcast and returns its entry, or nil.
func (l *eventLog) remove(b media.Broadcast) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.running[b.ID]
	delete(l.running, b.ID)
	return e
}

// logMissingStart logs that the event log does not have the beginning of a broadcast.
func (l *eventLog) logMissingStart(ctx context.Context, b media.Broadcast, err error) {
	l.cfg.Log.WarnContext(ctx, "beginning of a broadcast not recorded", slog.String("broadcast_id", b.ID), slog.Any("error", err))
}

// logMissingEnd logs that the event log does not have the end of a broadcast. Another node records it when this one is
// lost.
func (l *eventLog) logMissingEnd(ctx context.Context, b media.Broadcast, err error) {
	l.cfg.Log.WarnContext(ctx, "end of a broadcast not recorded", slog.String("broadcast_id", b.ID), slog.Any("error", err))
}

// liveOf returns the live of a stream that the authorizer has accepted.
func (l *eventLog) liveOf(ctx context.Context, key string) (live domain.LiveID, err error) {
	err = l.persist(ctx, func(ctx context.Context) error {
		found, err := l.cfg.Queries.LiveByStreamKey(ctx, key)
		live = found.ID
		return err
	})
	return live, err
}

// execute executes a command with the system as its actor.
func (l *eventLog) execute(ctx context.Context, idempotencyKey string, c domain.Command) (receipt eventstore.Receipt, err error) {
	err = l.persist(ctx, func(ctx context.Context) error {
		receipt, err = l.cfg.Commands.Execute(ctx, domain.Request{Command: c, Actor: domain.Actor{Kind: domain.System}, IdempotencyKey: idempotencyKey})
		return err
	})
	return receipt, err
}

var errShutdown = errors.New("the log was unavailable until the shutdown of this node")

// persist calls do until it succeeds or is refused. After ctx has ended, persist retries for lastTry. If that fails
// once, later calls do not retry.
func (l *eventLog) persist(ctx context.Context, do func(context.Context) error) error {
	if ctx.Err() != nil && l.exhausted.Load() {
		return errShutdown
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { wait.Sleep(own, lastTry); cancel() })
	defer stop()
	backoff := wait.Backoff{Min: firstRetry, Max: lastRetry}
	for {
		err := do(own)
		if err == nil || domain.AsRefusal(err) != nil || errors.Is(err, projections.ErrNotFound) {
			return err
		}
		if !backoff.Wait(own) {
			l.exhausted.Store(true)
			return fmt.Errorf("%w: %w", errShutdown, err)
		}
	}
}

// causeOf returns the domain.StopCause for a reason.
func causeOf(reason media.Reason) domain.StopCause {
	switch reason {
	case media.ReasonStopped:
		return domain.StopByPublisher
	case media.ReasonReplaced:
		return domain.StopReplaced
	case media.ReasonKicked:
		return domain.StopKicked
	case media.ReasonEnded:
		return domain.StopLiveEnded
	case media.ReasonOwnerUnavailable:
		return domain.StopOwnerUnavailable
	case media.ReasonKeyRevoked:
		return domain.StopKeyRevoked
	case media.ReasonShutdown:
		return domain.StopShutdown
	}
	return domain.StopConnectionLost
}
