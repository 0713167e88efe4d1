package consumer

import (
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
)

// errorDelay is the wait after an error if Config.OnError is nil.
const errorDelay = 100 * time.Millisecond

// pauses is the wsql.BackoffManager of one subscription. When there is nothing to read, it blocks until a signal is
// notified, instead of repeating the query at short intervals.
type pauses struct {
	wait    func(count uint64) uint64 // the method wait.Signal.Wait
	onError func(error) time.Duration
	onIdle  func()

	count uint64 // count of the signal before the query that found nothing
}

var _ wsql.BackoffManager = (*pauses)(nil)

// HandleError returns the time to wait after an error. After a query that found nothing, it blocks until there may be
// something to read, and then returns 0. A notification that came during the query is not lost.
func (p *pauses) HandleError(_ watermill.LoggerAdapter, noMessage bool, err error) time.Duration {
	switch {
	case err != nil && p.onError != nil:
		return p.onError(err)
	case err != nil:
		return errorDelay
	case noMessage && p.onIdle != nil:
		p.onIdle()
	}
	if noMessage {
		p.count = p.wait(p.count)
	}
	return 0
}
