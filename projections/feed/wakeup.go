package feed

// A wakeup wakes the goroutine that releases deltas. Notifications that come while it is busy are one.
type wakeup chan struct{}

func newWakeup() wakeup { return make(wakeup, 1) }

func (w wakeup) notify() {
	select {
	case w <- struct{}{}:
	default:
	}
}
