package feed

// Pending returns the number of events that a feed holds until the tables have applied them.
func Pending(f *Feed) int {
	switch s := f.current.Load().source.(type) {
	case *tail:
		return s.pending.size()
	case *relayed:
		return s.tail.pending.size()
	}
	return 0
}
