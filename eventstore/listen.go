package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/internal/wait"
)

// The channels of NOTIFY. A notification carries no data. A process that misses one finds the change with its next
// poll.
const (
	ChannelEvents    = "roomlog_events"    // events were appended
	ChannelProjected = "roomlog_projected" // the read tables have changed
)

// Listen notifies Appended and Projected of changes by other processes. It uses its own connection and reconnects when
// the connection is lost. At intervals of Config.PollInterval it checks the history of the log (see HistoryChanged) and
// measures ClockSkew. It returns nil when ctx ends, and ErrAnotherLog if the database contains another log.
func (s *Store) Listen(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.watchHistory(ctx) })
	group.Go(func() error { s.keepListening(ctx); return nil })
	return group.Wait()
}

// keepListening listens until ctx ends.
func (s *Store) keepListening(ctx context.Context) {
	pause := wait.Backoff{Min: s.poll, Max: s.poll}
	for ctx.Err() == nil {
		seen := s.listeningChanged.Count()
		if !s.listening.Load() {
			s.listeningChanged.Wait(ctx, seen, time.Hour)
			continue
		}
		err := s.listen(ctx)
		if !s.listening.Load() {
			continue
		}
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "notification connection lost, reconnecting", slog.Any("error", err))
		}
		pause.Wait(ctx)
	}
}

// SetListening switches the notifications of the database, for which Listen uses a connection, on or off. Switch them
// off only while another source calls NotifyReleased. Listen checks the history of the log in both cases.
func (s *Store) SetListening(on bool) {
	if s.listening.Swap(on) != on {
		s.listeningChanged.Notify()
	}
}

// NotifyReleased notifies Appended and Projected, unless the notifications of the database do so.
func (s *Store) NotifyReleased() {
	if !s.listening.Load() {
		s.appended.Notify()
		s.projected.Notify()
	}
}

func (s *Store) listen(ctx context.Context) error {
	conn, err := connect(ctx, s.pool, nil)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	ctx, stop := until(ctx, s.historyChanged) // the connection may then belong to the former server
	defer stop()
	ctx, stopListening := until(ctx, s.listeningChanged)
	defer stopListening()
	if !s.listening.Load() {
		return nil
	}
	if _, err := conn.Exec(ctx, "LISTEN "+ChannelEvents+"; LISTEN "+ChannelProjected); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if _, err := s.CheckHistory(ctx); err != nil {
		return err
	}
	s.appended.Notify() // changes may have been missed while there was no connection
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
		}
	}
}

// until returns a context that ends with ctx, or when a signal is notified. stop ends the context and waits for its goroutine.
func until(ctx context.Context, signal *wait.Signal) (same context.Context, stop func()) {
	same, cancel := context.WithCancel(ctx)
	seen := signal.Count()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for same.Err() == nil && signal.Wait(same, seen, time.Hour) == seen {
		}
		cancel()
	}()
	return same, func() { cancel(); <-done }
}

// watchHistory checks the history at intervals, so that a process that appends nothing notices a change, too.
func (s *Store) watchHistory(ctx context.Context) error {
	failing, number := false, int64(1)
	for wait.Sleep(ctx, s.poll) {
		now, err := s.CheckHistory(ctx)
		if err == nil && now.Number != number {
			if err = s.verify(ctx, s.pool); err == nil {
				number = now.Number
			}
		}
		if errors.Is(err, ErrAnotherLog) {
			return err
		}
		if err != nil && !failing && !errors.Is(err, ctx.Err()) {
			s.log.WarnContext(ctx, "check of the history of the log failed, retrying", slog.Any("error", err))
		}
		failing = err != nil
	}
	return nil
}
