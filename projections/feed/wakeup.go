package feed

// A wakeup wakes the goroutine that releases deltas. Notifications that arrive while the goroutine is busy are merged
// into one.
type wakeup chan struct{}

func newWakeup() wakeup { return make(wakeup, 1) }

func (w wakeup) notify() {
	select {
	case w <- struct{}{}:
	default:
	}
}
