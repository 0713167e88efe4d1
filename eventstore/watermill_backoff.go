package eventstore

import (
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
)

// failedPause is the wait after an error when nobody says otherwise.
const failedPause = 100 * time.Millisecond

// WakeBackoff is watermill-sql's BackoffManager that waits for a bell instead of asking again and
// again. It serves one subscription.
type WakeBackoff struct {
	Wait   func(seen uint64) uint64 // of a Bell, bounded by the slow poll and the end of the subscription
	Failed func(error) time.Duration
	Idle   func()

	seen uint64 // the newest ring before the query that found nothing
}

var _ wsql.BackoffManager = (*WakeBackoff)(nil)

// HandleError implements wsql.BackoffManager: it returns when there may be something to read. A ring
// during the query that found nothing is not lost.
func (w *WakeBackoff) HandleError(_ watermill.LoggerAdapter, noMsg bool, err error) time.Duration {
	switch {
	case err != nil && w.Failed != nil:
		return w.Failed(err)
	case err != nil:
		return failedPause
	case noMsg && w.Idle != nil:
		w.Idle()
	}
	if noMsg {
		w.seen = w.Wait(w.seen)
	}
	return 0
}
