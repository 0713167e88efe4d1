package loglimit

import "sync"

// Cause remembers why the last attempt failed, so that each cause is logged once, and not for every attempt. The zero
// value has seen no attempt. It is safe for concurrent use.
type Cause struct {
	mu   sync.Mutex
	text string // text of the error of the last attempt; "" if it succeeded
}

// Changed records the error of an attempt, or nil if it succeeded. It reports whether the previous attempt had another
// error or result. The first attempt is compared with a success.
func (c *Cause) Changed(err error) bool {
	text := ""
	if err != nil {
		text = err.Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := text != c.text
	c.text = text
	return changed
}
