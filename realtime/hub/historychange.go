package hub

import (
	"context"
	"log/slog"

	"roomlog/domain"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// historyChanged makes the log match the connections of this node again, after the log has fallen back to an earlier
// state. The log may have lost joins, leaves and the ends of lives. It does not block.
func (p *presence) historyChanged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	for _, users := range p.visits {
		for _, v := range users {
			v.since, v.ended = 0, false
			if len(v.clients) > 0 {
				v.rejoin = true
				p.enqueue(v)
			}
		}
	}
	select {
	case p.changes <- struct{}{}:
	default:
	}
}

// removeGhosts runs until ctx ends. A viewer whose leave was lost is still present in the tables. After each change of
// the history, removeGhosts removes the viewers that the tables list for this node but that have no connection.
// waitForHead must block until the tables contain the whole log.
func (p *presence) removeGhosts(ctx context.Context, waitForHead func(context.Context) error) error {
	backoff := wait.Backoff{Min: settleRetry, Max: CommandTimeout}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.changes:
		}
		for backoff.Reset(); ctx.Err() == nil; backoff.Wait(ctx) {
			err := waitForHead(ctx)
			if err == nil {
				err = p.removeAbsent(ctx)
			}
			if err == nil {
				break
			}
			if ctx.Err() == nil {
				p.log.WarnContext(ctx, "removal of viewers whose leave was lost failed, retrying", slog.Any("error", err))
			}
		}
	}
}

// removeAbsent makes the viewers leave that the tables list for this node but that have no connection to it.
func (p *presence) removeAbsent(ctx context.Context) error {
	return CleanUp(ctx, p.commands,
		func(after projections.ViewerKey) ([]projections.ViewerKey, error) {
			return p.queries.NodeViewers(ctx, p.node, after, lostBatch)
		},
		func(key projections.ViewerKey) domain.Command {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.stopped || p.visits[key.Live][key.User] != nil {
				return nil
			}
			return domain.LeaveLive{Live: key.Live, User: key.User, Cause: domain.LeaveConnectionLost, Node: p.node}
		})
}
