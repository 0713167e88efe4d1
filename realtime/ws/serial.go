package ws

import "sync"

// Serial runs functions one after another: they handle the messages of a connection, or change its state for other
// goroutines. Any goroutine may call its methods at any time. But a function that Do or Later runs must not call Do.
type Serial struct {
	background *background
	recover    func() // deferred in each function

	running sync.Mutex // locked while a function runs; only Do waits for it

	mu      sync.Mutex
	waiting []func() // functions passed to Later, oldest first
}

// NewSerial returns a Serial. Functions passed to Later run while Server.Run runs. The Serial defers recoverPanic in
// each function. recoverPanic must call the built-in recover, log the panic and end the connection.
func (s *Server) NewSerial(recoverPanic func()) *Serial {
	return &Serial{background: s.shared.background, recover: recoverPanic}
}

// NewSerial returns a Serial, like Server.NewSerial. A panic of its functions closes the connection with CloseInternal.
func (c *Conn) NewSerial() *Serial {
	return &Serial{background: c.shared.background, recover: c.recover}
}

// Do blocks until no other function of the Serial runs, and then runs f.
func (s *Serial) Do(f func()) {
	s.running.Lock()
	defer s.finish()
	s.call(f)
}

// Later runs f after the function that is running now, if there is one, and after the functions of earlier calls of
// Later. It does not block. While f waits, it does not delay the functions of another Serial.
func (s *Serial) Later(f func()) {
	s.mu.Lock()
	s.waiting = append(s.waiting, f)
	s.mu.Unlock()
	s.background.add(func() {
		if s.tryLock() { // otherwise the goroutine that has locked running runs f
			s.finish()
		}
	})
}

// Busy reports whether a function is running.
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

// finish runs the waiting functions and unlocks running. It unlocks only while mu is locked and no function waits, so
// that no function is forgotten: Later adds a function either before finish has looked, or after running is unlocked.
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
