package coalesce

import "runtime"

// AwaitKeys blocks until n keys wait for the next read.
func AwaitKeys[K comparable, V any](r *Reads[K, V], n int) {
	for waiting := -1; waiting < n; runtime.Gosched() {
		r.mu.Lock()
		if waiting = 0; r.next != nil {
			waiting = len(r.next.keys)
		}
		r.mu.Unlock()
	}
}
