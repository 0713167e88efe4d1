package hub

import (
	"context"
	"log/slog"
	"sync"

	"roomlog/domain"
)

// settleLater has a worker look at a visit.
func (p *presence) settleLater(v *visit) {
	if v.queued {
		return
	}
	v.queued = true
	p.queue = append(p.queue, v)
	select {
	case p.work <- struct{}{}:
	default: // every worker looks again anyway
	}
}

func (p *presence) next() *visit {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.queue = nil
		return nil
	}
	v := p.queue[0]
	p.queue = p.queue[1:]
	v.queued = false
	return v
}

// run settles visits until ctx ends. What is unsettled then is noticed by other processes, or by the next
// one, when this one is gone.
func (p *presence) run(ctx context.Context) error {
	var all sync.WaitGroup
	for range settlers {
		all.Go(func() {
			for ctx.Err() == nil {
				if v := p.next(); v != nil {
					p.settle(ctx, v)
					continue
				}
				select {
				case <-p.work:
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
	return nil
}

// settle brings the log in line with the connections of one visit.
func (p *presence) settle(ctx context.Context, v *visit) {
	v.turn.Lock()
	defer v.turn.Unlock()
	asked, ok := p.due(v)
	if !ok {
		return
	}
	within, cancel := context.WithTimeout(ctx, CommandTimeout)
	defer cancel()
	receipt, err := p.commands.Execute(within, asked)
	no := domain.AsRefusal(err)
	if err != nil && no == nil {
		if ctx.Err() != nil {
			return
		}
		p.log.WarnContext(ctx, "presence: trying again", slog.String("command", asked.Command.Type()),
			slog.Int64("live", int64(v.live)), slog.Int64("user", int64(v.user)), slog.Any("err", err))
		wait(ctx, settleRetry)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch _, joining := asked.Command.(domain.JoinLive); {
	case err != nil && no == nil:
		p.settleLater(v)
	case joining: // or refused: the session has ended, or the live has, and the connection will hear of it
		v.rejoin, v.told, v.since = false, true, max(v.since, receipt.Position)
	default:
		v.told = false
	}
	p.unheld(v)
}

// due answers the command that a visit needs now, if any.
func (p *presence) due(v *visit) (domain.Request, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	leave := domain.LeaveLive{Live: v.live, User: v.user, Cause: v.cause, Node: p.process}
	switch held := len(v.holders) > 0; {
	case v.ended && v.told:
		leave.Cause = domain.LeaveLiveEnded
	case held && v.rejoin && !v.ended:
		newest := v.holders[len(v.holders)-1] // whose session is the likeliest to hold
		return domain.Request{Actor: newest.Identity().Actor(), Command: domain.JoinLive{Live: v.live, Node: p.process}}, true
	case !held && v.told:
	default:
		if !held {
			p.forget(v)
		}
		return domain.Request{}, false
	}
	return domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: leave}, true
}
