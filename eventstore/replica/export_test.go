package replica

import "time"

// Far makes a standby count as too far behind from this age on.
func (r *Reader) Far(age time.Duration) { r.maxBehind = age }
