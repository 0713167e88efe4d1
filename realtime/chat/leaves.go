package chat

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/internal/wait"
	"roomlog/realtime/hub"
)

const (
	leavers     = 8                      // leaves on their way at once: the log commits them together
	leaveRetry  = 500 * time.Millisecond // before the second try; twice as long before each further one
	leaveLater  = time.Minute            // at most
	leavePolled = 20 * time.Millisecond  // while somebody waits for all of them
)

// leaves says for guests whose connection has ended that they left the chat. What is unsaid when the process
// ends, another one says.
type leaves struct {
	commands hub.Executor
	log      *slog.Logger
	// nameKey answers by which key a guest's name is known now.
	nameKey func(id domain.ParticipantID, otherwise string) string
	retry   time.Duration

	mu    sync.Mutex
	queue []leave
	busy  int // being said, or waiting to be said again
	work  chan struct{}
}

type leave struct {
	domain.LeaveChat
	tries int
}

func newLeaves(commands hub.Executor, log *slog.Logger, nameKey func(domain.ParticipantID, string) string) *leaves {
	return &leaves{commands: commands, log: log, nameKey: nameKey, retry: leaveRetry, work: make(chan struct{}, leavers)}
}

// add has a leave said. It does not wait.
func (l *leaves) add(c domain.LeaveChat) { l.again(leave{LeaveChat: c}) }

func (l *leaves) again(one leave) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, one)
	select {
	case l.work <- struct{}{}:
	default: // every worker looks again anyway
	}
}

func (l *leaves) next() (one leave, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		l.queue = nil
		return one, false
	}
	one, l.queue = l.queue[0], l.queue[1:]
	l.busy++
	return one, true
}

func (l *leaves) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
}

// run says what there is to say until ctx ends.
func (l *leaves) run(ctx context.Context) error {
	var all sync.WaitGroup
	for range leavers {
		all.Go(func() {
			for ctx.Err() == nil {
				if one, ok := l.next(); ok {
					l.say(ctx, one)
					continue
				}
				select {
				case <-l.work:
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
	return nil
}

func (l *leaves) say(ctx context.Context, one leave) {
	within, cancel := context.WithTimeout(ctx, hub.CommandTimeout)
	defer cancel()
	_, err := l.commands.Execute(within, domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: one.LeaveChat})
	if err == nil || ctx.Err() != nil {
		l.done()
		return
	}
	if domain.AsRefusal(err) != nil { // perhaps the guest was renamed without a word to its connection
		one.NameKey = l.nameKey(one.Participant, one.NameKey)
	}
	later := min(l.retry<<min(one.tries, 7), leaveLater)
	one.tries++
	l.log.WarnContext(ctx, "somebody could not be said to have left the chat, trying again",
		slog.Int64("guest", int64(one.Participant)), slog.Any("err", err))
	time.AfterFunc(later, func() {
		l.again(one)
		l.done()
	})
}

// settle waits until everything is said, or ctx ends.
func (l *leaves) settle(ctx context.Context) {
	for ctx.Err() == nil {
		l.mu.Lock()
		left := len(l.queue) + l.busy
		l.mu.Unlock()
		if left == 0 {
			return
		}
		wait.Sleep(ctx, leavePolled)
	}
}
