package replay

import (
	"context"
	"errors"
	"time"

	"roomlog/eventstore"
	"roomlog/internal/limit"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// longestOutage is the time for which a replay waits for a database that cannot be reached. After a failover the log
// then shows whether it still contains what the reader has received.
const longestOutage = 10 * time.Second

// outage waits for a database that cannot be reached, or whose tables are behind the log.
type outage struct {
	now     func() time.Time
	since   time.Time // time of the first error in a row; zero if the last attempt succeeded
	backoff wait.Backoff
}

// ended records that an attempt succeeded, so the outage is over.
func (o *outage) ended() {
	o.since = time.Time{}
	o.backoff.Reset()
}

// wait blocks before the next attempt. It returns false if err is no outage, if the outage takes too long, or if ctx
// ends.
func (o *outage) wait(ctx context.Context, err error) bool {
	if errors.Is(err, errReaderLost) || !eventstore.IsUnavailable(err) && !errors.Is(err, projections.ErrBehind) {
		return false
	}
	now := o.now()
	if o.since.IsZero() {
		o.since = now
	}
	defer limit.Pause(ctx)()
	return now.Sub(o.since) < longestOutage && o.backoff.Wait(ctx)
}
