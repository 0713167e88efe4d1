package realtime

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// heartbeat makes a process known as alive: it holds an advisory lock on a connection of its own. The lock
// is free at once when the process dies, after deadAfter when it is frozen or cut off, and taking it leaves
// no trace in the database.
type heartbeat struct {
	cfg Config
	key int64
}

const (
	heartbeatName = "roomlog heartbeat" // of the connection

	beat       = 3 * time.Second
	deadAfter  = 10 * time.Second // silence after which the database ends the connection
	beatRepeat = time.Second      // after the connection was lost
)

func newHeartbeat(cfg Config) *heartbeat { return &heartbeat{cfg, processKey(cfg.Process)} }

// processKey is the lock of a process.
func processKey(process string) int64 {
	h := fnv.New64a()
	h.Write([]byte("roomlog process " + process))
	return int64(h.Sum64())
}

// run holds the lock until ctx ends, and takes it again whenever it was lost.
func (h *heartbeat) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := h.hold(ctx); err != nil && ctx.Err() == nil {
			h.cfg.Log.WarnContext(ctx, "this process is not known as alive, trying again", slog.Any("err", err))
			wait(ctx, beatRepeat)
		}
	}
	return nil
}

// hold takes the lock and holds it until the connection breaks or ctx ends.
func (h *heartbeat) hold(ctx context.Context) error {
	conn, err := h.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", h.key); err != nil {
		return fmt.Errorf("take the lock of this process: %w", err)
	}
	for ctx.Err() == nil {
		if err := h.beat(ctx, conn); err != nil {
			return fmt.Errorf("hold the lock of this process: %w", err)
		}
	}
	return nil
}

// beat waits for a while, shorter if the connection breaks, and shows that this process is alive.
func (h *heartbeat) beat(ctx context.Context, conn *pgx.Conn) error {
	listening, stop := context.WithTimeout(ctx, beat)
	defer stop()
	if _, err := conn.WaitForNotification(listening); err != nil && listening.Err() == nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, deadAfter)
	defer cancel()
	return conn.Ping(within)
}

func (h *heartbeat) connect(ctx context.Context) (*pgx.Conn, error) {
	c := h.cfg.Store.Pool().Config().ConnConfig.Copy()
	for name, value := range map[string]string{
		"application_name":        heartbeatName,
		"idle_session_timeout":    fmt.Sprint(deadAfter.Milliseconds()), // a frozen process does not beat
		"tcp_keepalives_idle":     "5",                                  // nor does one behind a cut line
		"tcp_keepalives_interval": "2",
		"tcp_keepalives_count":    "3",
	} {
		c.RuntimeParams[name] = value
	}
	within, cancel := context.WithTimeout(ctx, deadAfter)
	defer cancel()
	conn, err := pgx.ConnectConfig(within, c)
	if err != nil {
		return nil, fmt.Errorf("connect for the lock of this process: %w", err)
	}
	return conn, nil
}
