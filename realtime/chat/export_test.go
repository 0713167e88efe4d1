package chat

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/realtime/hub"
)

// ExecuteLeave executes a LeaveChat command until the log accepts it or ctx ends. After a refusal it gets the name key
// from nameKey.
func ExecuteLeave(ctx context.Context, commands hub.Executor, c domain.LeaveChat, nameKey func(domain.ParticipantID, string) string) {
	q := newLeaveQueue(commands, slog.New(slog.DiscardHandler), time.Now)
	q.nameKeyOf, q.retry = nameKey, time.Millisecond
	running, end := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { _ = q.run(running) })
	q.add(c)
	q.flush(ctx)
	end()
	all.Wait()
}
