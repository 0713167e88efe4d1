package eventstore

import (
	"context"
	"fmt"
	"time"
)

// Channels of NOTIFY. These two only wake: whoever misses one finds the same a poll later.
const (
	ChannelEvents    = "roomlog_events"    // the log has grown
	ChannelProjected = "roomlog_projected" // the read tables have moved on
)

// Listen rings Appended and Projected when another process appends or projects, and passes whispers on, on one
// connection of its own. It connects again by itself and returns nil when ctx ends.
func (s *Store) Listen(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.listen(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "listening for other processes failed, trying again", "err", err)
		}
		timer := time.NewTimer(s.poll)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

func (s *Store) listen(ctx context.Context) error {
	conn, err := connect(ctx, s.pool, nil)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+ChannelEvents+"; LISTEN "+ChannelProjected+"; LISTEN "+ChannelWhispers); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.appended.Notify() // whatever happened while nobody listened
	s.projected.Notify()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for a notification: %w", err)
		}
		switch n.Channel {
		case ChannelEvents:
			s.appended.Notify()
		case ChannelProjected:
			s.projected.Notify()
		case ChannelWhispers:
			s.whispers.pass(n.Payload)
		}
	}
}
