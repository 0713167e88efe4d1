package feed

// Pending returns the number of events that a feed holds until the tables have applied them.
func Pending(f *Feed) int { return f.current.Load().pending.size() }
