package realtime

import _ "embed"

//go:embed sql/select_held_locks.sql
var selectHeldLocks string
