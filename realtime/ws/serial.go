package ws

import "sync"

// Serial runs functions one after another: the messages of a session, and what other goroutines change in the session.
// Its methods may be called by any goroutine at any time, but Do must not be called by a function that Do or Later runs.
type Serial struct {
	background *background
	recover    func() // deferred around each function

	running sync.Mutex // held while a function runs; only Do waits for it

	mu      sync.Mutex
	waiting []func() // functions of Later, oldest first
}

// NewSerial returns a Serial. The functions of Later run while Server.Run runs. The Serial defers recoverPanic around
// each function: recoverPanic must call the built-in recover, log the panic and end the session.
func (s *Server) NewSerial(recoverPanic func()) *Serial {
	return &Serial{background: s.shared.background, recover: recoverPanic}
}

// NewSerial returns a Serial as Server.NewSerial does. A panic of its functions closes the connection with CloseInternal.
func (c *Conn) NewSerial() *Serial {
	return &Serial{background: c.shared.background, recover: c.recover}
}

// Do blocks until no other function of the Serial runs, and runs f.
func (s *Serial) Do(f func()) {
	s.running.Lock()
	defer s.finish()
	s.call(f)
}

// Later runs f after the function that is running, if there is one, and after the functions of earlier calls of Later.
// It does not block, and f never delays the functions of another Serial while it waits.
func (s *Serial) Later(f func()) {
	s.mu.Lock()
	s.waiting = append(s.waiting, f)
	s.mu.Unlock()
	s.background.add(func() {
		if s.tryLock() { // otherwise the goroutine that holds running runs f
			s.finish()
		}
	})
}

// Busy reports whether a function runs.
func (s *Serial) Busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running.TryLock() {
		return true
	}
	s.running.Unlock()
	return false
}

func (s *Serial) tryLock() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running.TryLock()
}

// finish runs the waiting functions and unlocks running. With mu held, it checks that no function waits and unlocks, so
// that a function of Later is found by this check or by the next goroutine that locks running.
func (s *Serial) finish() {
	for {
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.waiting = nil
			s.running.Unlock()
			s.mu.Unlock()
			return
		}
		next := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.mu.Unlock()
		s.call(next)
	}
}

func (s *Serial) call(f func()) {
	defer s.recover()
	f()
}
