package chat

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/internal/wait"
	"roomlog/realtime/hub"
)

const (
	leaveWorkers  = 8                      // number of commands that are executed at the same time, so that the log appends their events in one batch
	leaveRetry    = 500 * time.Millisecond // wait before the second attempt; doubled before each further attempt
	maxLeaveRetry = time.Minute
	flushInterval = 20 * time.Millisecond // interval at which flush checks the queue
)

// leaveQueue executes LeaveChat commands for participants whose connection has ended. It retries until the log accepts
// them. If this node stops, the other nodes execute the remaining commands.
type leaveQueue struct {
	commands hub.Executor
	log      *slog.Logger
	now      func() time.Time
	// nameKeyOf returns the current key of a participant's name. If the participant is unknown, it returns otherwise.
	nameKeyOf func(id domain.ParticipantID, otherwise string) string
	retry     time.Duration

	mu    sync.Mutex
	ready []leave
	later []leave // commands that wait for their next attempt
	busy  int     // number of commands that are being executed
	work  chan struct{}
}

type leave struct {
	domain.LeaveChat
	attempts int
	due      time.Time
}

func newLeaveQueue(commands hub.Executor, log *slog.Logger, now func() time.Time) *leaveQueue {
	return &leaveQueue{commands: commands, log: log, now: now, retry: leaveRetry, work: make(chan struct{}, leaveWorkers)}
}

// add queues a command. It does not block.
func (q *leaveQueue) add(c domain.LeaveChat) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.push(leave{LeaveChat: c})
}

// push appends a command to ready and wakes a worker. The caller must have locked mu.
func (q *leaveQueue) push(l leave) {
	q.ready = append(q.ready, l)
	select {
	case q.work <- struct{}{}:
	default: // enough workers are waking up; each works until the queue is empty
	}
}

func (q *leaveQueue) next() (l leave, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ready) == 0 {
		q.ready = nil
		return l, false
	}
	l, q.ready = q.ready[0], q.ready[1:]
	q.busy++
	return l, true
}

// run executes commands until ctx ends.
func (q *leaveQueue) run(ctx context.Context) error {
	var running sync.WaitGroup
	for range leaveWorkers {
		running.Go(func() {
			for ctx.Err() == nil {
				if l, ok := q.next(); ok {
					q.execute(ctx, l)
					continue
				}
				select {
				case <-q.work:
				case <-ctx.Done():
				}
			}
		})
	}
	running.Go(func() {
		for wait.Sleep(ctx, q.retry) {
			q.retryDue()
		}
	})
	running.Wait()
	return nil
}

// execute executes a command, and queues it again if it fails.
func (q *leaveQueue) execute(ctx context.Context, l leave) {
	within, cancel := context.WithTimeout(ctx, hub.CommandTimeout)
	defer cancel()
	_, err := q.commands.Execute(within, domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: l.LeaveChat})
	if err == nil || ctx.Err() != nil {
		q.done(nil)
		return
	}
	if domain.AsRefusal(err) != nil { // the name of the participant may have changed meanwhile
		l.NameKey = q.nameKeyOf(l.Participant, l.NameKey)
	}
	l.due = q.now().Add(min(q.retry<<min(l.attempts, 7), maxLeaveRetry))
	l.attempts++
	q.log.WarnContext(ctx, "chat leave failed, retrying",
		slog.Int64("participant_id", int64(l.Participant)), slog.Int("attempt", l.attempts), slog.Any("error", err))
	q.done(&l)
}

// done records the end of an attempt that began with next. If again is not nil, done queues it for another attempt.
func (q *leaveQueue) done(again *leave) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy--
	if again != nil {
		q.later = append(q.later, *again)
	}
}

// retryDue moves the commands whose next attempt is due to ready.
func (q *leaveQueue) retryDue() {
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.later = slices.DeleteFunc(q.later, func(l leave) bool {
		due := !now.Before(l.due)
		if due {
			q.push(l)
		}
		return due
	})
}

// clear discards the waiting commands.
func (q *leaveQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ready, q.later = nil, nil
}

// flush blocks until all commands were accepted, or ctx ends.
func (q *leaveQueue) flush(ctx context.Context) {
	for {
		q.mu.Lock()
		left := len(q.ready) + len(q.later) + q.busy
		q.mu.Unlock()
		if left == 0 || !wait.Sleep(ctx, flushInterval) {
			return
		}
	}
}
