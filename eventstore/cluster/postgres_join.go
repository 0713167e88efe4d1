package cluster

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/internal/pgsession"
)

const (
	heartbeat    = 3 * time.Second  // interval between two pings of a member
	deadAfter    = 10 * time.Second // time after which the database closes the connection of a member that sends no ping
	leaveTimeout = time.Second
)

// lockOf returns the key of the advisory lock that a member holds.
func lockOf(node string) int64 {
	h := fnv.New64a()
	h.Write([]byte(nodePrefix + node))
	return int64(h.Sum64())
}

// Join holds the lock of node on a separate connection, and receives messages there. The database releases the lock
// immediately if the process dies, and after 10 seconds if the process is frozen or unreachable.
func (p *Postgres) Join(ctx context.Context, node string, handle func(Message), missed func()) error {
	conn, err := p.connect(ctx, node)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
		defer cancel()
		_ = pgsession.Unlock(ctx, conn, lockOf(node)) // also behind a pooler, which keeps the session
		_ = conn.Close(ctx)
	}()
	// Call LISTEN before taking the lock, because a survey expects a reply from every node that holds its lock.
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("listen for messages: %w", err)
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lockOf(node)); err != nil {
		return fmt.Errorf("take the lock of node %s: %w", node, err)
	}
	missed()
	for ctx.Err() == nil {
		if err := p.receive(ctx, conn, handle); err != nil {
			return fmt.Errorf("hold the lock of node %s: %w", node, err)
		}
	}
	return nil
}

// receive handles messages for one heartbeat interval and then sends a ping.
func (p *Postgres) receive(ctx context.Context, conn *pgx.Conn, handle func(Message)) error {
	listening, stop := context.WithTimeout(ctx, heartbeat)
	defer stop()
	for {
		n, err := conn.WaitForNotification(listening)
		if err == nil {
			if m, ok := parseWire([]byte(n.Payload)); ok {
				handle(m)
			}
			continue
		}
		if listening.Err() == nil {
			return err
		}
		break
	}
	within, cancel := context.WithTimeout(ctx, deadAfter)
	defer cancel()
	return conn.Ping(within)
}

func (p *Postgres) connect(ctx context.Context, node string) (*pgx.Conn, error) {
	c := p.pool.Config().ConnConfig.Copy()
	pgsession.Set(c, map[string]string{
		"application_name":        nodePrefix + node,
		"idle_session_timeout":    fmt.Sprint(deadAfter.Milliseconds()), // closes the connection of a frozen process
		"tcp_keepalives_idle":     "5",                                  // closes the connection of an unreachable process
		"tcp_keepalives_interval": "2",
		"tcp_keepalives_count":    "3",
	})
	within, cancel := context.WithTimeout(ctx, deadAfter)
	defer cancel()
	conn, err := pgx.ConnectConfig(within, c)
	if err != nil {
		return nil, fmt.Errorf("connect as node %s: %w", node, err)
	}
	return conn, nil
}
