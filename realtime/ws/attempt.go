package ws

import (
	"errors"
	"syscall"
)

// attempt is one non-blocking write to a socket. The connection contains it, so that a write allocates no memory.
type attempt struct {
	p   []byte
	n   int
	err error
	do  func(fd uintptr) bool
}

// write is called by syscall.RawConn.Write. It returns true, so that RawConn does not wait for the socket.
func (a *attempt) write(fd uintptr) bool {
	for {
		a.n, a.err = writeNow(fd, a.p)
		if !errors.Is(a.err, syscall.EINTR) {
			return true
		}
	}
}
