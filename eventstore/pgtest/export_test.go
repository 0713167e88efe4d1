package pgtest

import "time"

// SetCloseWait sets how long the end of the test waits for connections that the test has not released.
func (db *DB) SetCloseWait(d time.Duration) { db.closeWait = d }
