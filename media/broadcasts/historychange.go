package broadcasts

import (
	"context"
	"errors"
	"fmt"

	"roomlog/domain"
	"roomlog/media"
	"roomlog/projections"
)

// historyChanged makes the log match the streams of this node, after the log has fallen back to an earlier state. It cuts the
// streams of lives that the log has lost, records the running broadcasts again, and ends the broadcasts whose end the log has
// lost.
func (l *eventLog) historyChanged(ctx context.Context) error {
	head, err := l.cfg.Store.Head(ctx)
	if err != nil {
		return err
	}
	if err := l.cfg.Feed.WaitFor(ctx, head); err != nil { // the tables contain the whole log
		return err
	}
	l.startFrom(head)
	for _, e := range l.list() {
		live, err := l.cfg.Queries.LiveByStreamKey(ctx, e.key)
		switch {
		case errors.Is(err, projections.ErrNotFound), err == nil && live.ID != e.live: // the id may belong to another live now
			l.server.Cut(e.key, media.ReasonEnded)
		case err != nil:
			return err
		default:
			l.resume(ctx, e, l.cfg.AutoLive)
		}
	}
	return l.endAbsent(ctx)
}

// endAbsent ends the broadcasts of this node in the tables that are not running.
func (l *eventLog) endAbsent(ctx context.Context) error {
	return eachBroadcast(ctx, l.cfg.Queries, func(b projections.Broadcast) error {
		if b.Node != l.cfg.Cluster.Node() || l.runs(b.ID) {
			return nil
		}
		_, err := l.cfg.Commands.Execute(ctx, domain.Request{Actor: domain.Actor{Kind: domain.System},
			Command: domain.StopBroadcast{Live: b.Live, Broadcast: b.ID, Cause: domain.StopConnectionLost}})
		if err != nil {
			return fmt.Errorf("end the broadcast of live %d: %w", b.Live, err)
		}
		return nil
	})
}

// runs reports whether a broadcast of this node is running.
func (l *eventLog) runs(id domain.BroadcastID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.running {
		if e.id == id {
			return true
		}
	}
	return false
}

// startFrom records that the events of all running broadcasts follow position, in a new history of the log.
func (l *eventLog) startFrom(position int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.running {
		e.after, e.ended = min(e.after, position), 0
	}
}
