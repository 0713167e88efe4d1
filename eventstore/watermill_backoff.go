package eventstore

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
)

// failedPause is the wait after an error when nobody says otherwise.
const failedPause = 100 * time.Millisecond

// WakeBackoff is watermill-sql's BackoffManager that waits for a bell instead of asking again and
// again. It serves one subscription.
type WakeBackoff struct {
	Bell   *Bell
	Done   <-chan struct{} // ends the wait
	Poll   time.Duration   // the longest wait without a ring
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
	case !noMsg:
		return 0
	}
	if w.Idle != nil {
		w.Idle()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-w.Done:
			cancel()
		case <-stop:
		}
	}()
	w.seen = w.Bell.Wait(ctx, w.seen, w.Poll)
	return 0
}
