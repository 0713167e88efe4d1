package media

import (
	"context"
	"log/slog"
	"sync"
)

const (
	maxOptional  = 4096 // number of waiting notifications from which on players and connections are not announced
	maxBroadcast = 8192 // number of waiting notifications from which on no publisher is accepted
)

// notifier is the queue of notifications from the streams to the observers. Its methods, except deliver, do not block
// and may be called while the lock of a stream is held.
type notifier struct {
	cfg Config

	mu      sync.Mutex
	queue   []func(context.Context)
	dropped uint64
	wake    chan struct{}
}

func newNotifier(cfg Config) *notifier { return &notifier{cfg: cfg, wake: make(chan struct{}, 1)} }

// broadcastStarted queues the notification and the log message of the beginning of a broadcast.
func (n *notifier) broadcastStarted(b Broadcast) {
	n.push(func(ctx context.Context) {
		n.cfg.Log.InfoContext(ctx, "broadcast started", slog.String("broadcast_id", b.ID), slog.String("connection_id", b.Publisher.ID),
			slog.String("remote_addr", b.Publisher.Address), slog.String("video", string(b.Video)), slog.String("audio", string(b.Audio)))
		if n.cfg.Observer != nil {
			n.cfg.Observer.PublishStarted(ctx, b)
		}
	})
}

// broadcastStopped queues the notification and the log message of the end of a broadcast.
func (n *notifier) broadcastStopped(b Broadcast, reason Reason) {
	n.push(func(ctx context.Context) {
		n.cfg.Log.InfoContext(ctx, "broadcast stopped", slog.String("broadcast_id", b.ID), slog.String("reason", string(reason)),
			slog.Duration("duration", b.StoppedAt.Sub(b.StartedAt)), slog.Uint64("bytes", b.Bytes))
		if n.cfg.Observer != nil {
			n.cfg.Observer.PublishStopped(ctx, b, reason)
		}
	})
}

// playStarted queues a notification about a new player. It reports false if there is no PlayObserver or the queue has
// no room.
func (n *notifier) playStarted(s PlaySession) bool {
	o := n.cfg.PlayObserver
	return o != nil && n.tryPush(func(ctx context.Context) { o.PlayStarted(ctx, s) })
}

// playStopped queues a notification about a player that was announced.
func (n *notifier) playStopped(s PlaySession, reason Reason) {
	n.push(func(ctx context.Context) { n.cfg.PlayObserver.PlayStopped(ctx, s, reason) })
}

// connected queues a notification about an RTMP connection. It returns the function that queues the notification of
// its end.
func (n *notifier) connected(c Client) (disconnected func()) {
	o := n.cfg.ConnectObserver
	if o == nil || !n.tryPush(func(ctx context.Context) { o.Connected(ctx, c) }) {
		return func() {}
	}
	return func() { n.push(func(ctx context.Context) { o.Disconnected(ctx, c) }) }
}

// push queues a notification and wakes deliver.
func (n *notifier) push(notify func(context.Context)) {
	n.mu.Lock()
	n.queue = append(n.queue, notify)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// tryPush queues a notification unless maxOptional notifications are waiting, and reports whether it did.
func (n *notifier) tryPush(notify func(context.Context)) bool {
	n.mu.Lock()
	full := len(n.queue) >= maxOptional
	if full {
		n.dropped++
	}
	n.mu.Unlock()
	if !full {
		n.push(notify)
	}
	return !full
}

// overloaded reports whether too many notifications are waiting. No broadcast may then begin.
func (n *notifier) overloaded() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.queue) >= maxBroadcast
}

// empty reports whether no notification is waiting.
func (n *notifier) empty() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.queue) == 0
}

// droppedCount returns the number of players and connections that were not announced.
func (n *notifier) droppedCount() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dropped
}

// deliver runs the queued notifications in order until the queue is empty or ctx ends.
func (n *notifier) deliver(ctx context.Context) {
	for notify := n.pop(); notify != nil; notify = n.pop() {
		if notify(ctx); ctx.Err() != nil {
			return
		}
	}
}

// pop removes and returns the first notification, or nil.
func (n *notifier) pop() func(context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == 0 {
		n.queue = nil
		return nil
	}
	first := n.queue[0]
	n.queue[0], n.queue = nil, n.queue[1:]
	return first
}
