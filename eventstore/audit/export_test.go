package audit

// CacheStates sets the maximum number of states in memory.
func (a *Auditor) CacheStates(n int) { a.states.cache.Resize(n) }

// StatesInMemory returns the number of states in memory.
func (a *Auditor) StatesInMemory() int { return a.states.cache.Len() + len(a.states.evicted) }
