package pgtest

import "time"

// SetCloseWait sets how long the end of the test waits for connections that the test has not released.
func (db *DB) SetCloseWait(d time.Duration) { db.closeWait = d }

// SpareConnections returns the number of connections that this process keeps for statements of the administrator.
func SpareConnections() (int, error) {
	c, err := shared()
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.spare), nil
}
