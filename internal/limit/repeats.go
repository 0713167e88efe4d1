package limit

import (
	"sync"
	"time"
)

// Repeats selects which repetitions of a log message are written: one in each period, with the number of those that it
// stands for. It is safe for concurrent use.
type Repeats struct {
	period time.Duration

	mu       sync.Mutex
	next     time.Time
	withheld int
}

// NewRepeats returns Repeats with a period.
func NewRepeats(period time.Duration) *Repeats { return &Repeats{period: period} }

// Next reports whether to write this message, and the number of messages since the last one that was written, this one
// included.
func (r *Repeats) Next(now time.Time) (count int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.withheld++
	if now.Before(r.next) {
		return 0, false
	}
	count, r.withheld, r.next = r.withheld, 0, now.Add(r.period)
	return count, true
}
