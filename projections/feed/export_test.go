package feed

// Pending returns the number of events that a feed holds back.
func Pending(f *Feed) int { return f.current.Load().pending.size() }
