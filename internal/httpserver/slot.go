package httpserver

import (
	"context"
	"net"

	"roomlog/internal/limit"
	"roomlog/internal/netconn"
)

// slot is the slot of a connection. It is nil for a connection that a server of another package accepted, such as one
// in a test.
type slot struct {
	*limit.Slot
	conn net.Conn
}

type slotKey struct{}

func slotOf(ctx context.Context) *slot {
	s, _ := ctx.Value(slotKey{}).(*slot)
	return s
}

// wait records that the connection waits for its client. The loop that accepts connections evicts it.
func (s *slot) wait() {
	if s != nil {
		s.Wait(func() { _ = netconn.CloseNow(s.conn) })
	}
}

// busy records that the connection does not wait for its client.
func (s *slot) busy() {
	if s != nil {
		s.Busy()
	}
}
