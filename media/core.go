package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/internal/limit"
)

const (
	authorizeTimeout = 5 * time.Second // maximum time for a decision of an Authorizer
	sourcesPerStream = 2               // number of publishers for which a stream has slots: one, and one that replaces it
)

// core contains what the servers of all protocols share.
type core struct {
	cfg     Config
	hub     *hub
	pending *limit.Slots // slots of RTMP connections that have not requested to publish or play yet
	players *limit.Slots // slots of players
	sources *limit.Slots // slots of authorized publishers, which players do not use up
	conns   *connGroup
	refused atomic.Uint64

	drain    func()        // closes draining
	draining chan struct{} // closed when players over HTTP/2 must leave
}

func newCore(cfg Config) *core {
	draining := make(chan struct{})
	return &core{
		drain: sync.OnceFunc(func() { close(draining) }), draining: draining,
		cfg:     cfg,
		hub:     newHub(cfg),
		pending: limit.NewSlots(cfg.Limits.MaxPending, cfg.Limits.MaxPendingPerAddress, nil),
		players: limit.NewSlots(cfg.Limits.MaxMediaConnections, cfg.Limits.MaxMediaPerAddress, nil),
		sources: limit.NewSlots(sourcesPerStream*cfg.Limits.MaxStreams, cfg.Limits.MaxMediaPerAddress, nil),
		conns:   newConnGroup(),
	}
}

// acquire takes a slot for the connection of a client. If there is no free slot, acquire returns ErrLimitReached.
func acquire(slots *limit.Slots, client Client) (*limit.Slot, error) {
	slot, err := slots.Acquire(limit.ParseAddr(client.Address))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLimitReached, err)
	}
	return slot, nil
}

// acquirePending takes a slot for a connection that has not requested anything yet. If there are too many such
// connections, conn may later be closed to make room for a newer one.
func (c *core) acquirePending(client Client, conn net.Conn) (release func(), err error) {
	slot, err := acquire(c.pending, client)
	if err != nil {
		return nil, err
	}
	slot.Wait(func() { _ = conn.Close() })
	return slot.Release, nil
}

// authorize calls decide with a context that ends after authorizeTimeout. Meanwhile the slot of an HTTP request may be given to
// another connection, because decide may wait for a webhook.
func (c *core) authorize(ctx context.Context, decide func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, authorizeTimeout)
	defer cancel()
	defer limit.Pause(ctx)()
	return decide(ctx)
}

// countRefusal counts and logs a refused request. It logs only faults of the server above debug level; metrics show
// requests that limits have refused.
func (c *core) countRefusal(ctx context.Context, command string, client Client, err error) {
	c.refused.Add(1)
	level := slog.LevelDebug
	if errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrLimitReached) && !errors.Is(err, ErrServerClosed) {
		level = slog.LevelWarn
	}
	c.cfg.Log.Log(ctx, level, "media request refused", slog.String("command", command), slog.String("connection_id", client.ID),
		slog.String("remote_addr", client.Address), slog.String("protocol", string(client.Protocol)), slog.Any("error", err))
}

// recoverConn recovers from a panic of one connection and logs it, so that the process continues. Defer it.
func (c *core) recoverConn(client Client) {
	if fault := recover(); fault != nil {
		c.cfg.Log.Error("media connection panicked", slog.String("connection_id", client.ID), slog.String("remote_addr", client.Address),
			slog.Any("panic", fault), slog.String("stack", string(debug.Stack())))
	}
}
