package feed

// A wakeup wakes the goroutine that releases deltas. It merges the notifications that arrive while the goroutine is
// busy into one.
type wakeup chan struct{}

func newWakeup() wakeup { return make(wakeup, 1) }

func (w wakeup) notify() {
	select {
	case w <- struct{}{}:
	default:
	}
}
