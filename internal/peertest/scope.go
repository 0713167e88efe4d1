package peertest

import "testing"

// Scope calls f with a TB whose cleanups run when f returns. Benchmarks use it to measure rounds, because the result
// of a benchmark that calls Run is not reported.
func Scope(t testing.TB, f func(testing.TB)) {
	s := &scope{TB: t}
	defer s.end()
	f(s)
}

type scope struct {
	testing.TB
	ends []func()
}

func (s *scope) Cleanup(end func()) { s.ends = append(s.ends, end) }

func (s *scope) end() {
	for _, end := range s.ends {
		defer end() // The cleanups run in reverse order, even if one panics.
	}
}
