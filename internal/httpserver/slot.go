package httpserver

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"roomlog/internal/limit"
	"roomlog/internal/netconn"
)

// connection is a connection with its slot. A request uses the slot of its connection. Over HTTP/2, every further request that
// runs at the same time takes a slot like another connection.
type connection struct {
	raw   net.Conn
	slots *limit.Slots
	addr  netip.Addr

	mu      sync.Mutex
	idle    *limit.Slot // slot of the connection while no request runs, otherwise nil
	running int         // number of requests whose handlers have not returned
	closed  bool        // whether the connection was closed or hijacked, and takes no slot any more
}

type connectionKey struct{}

// connectionOf returns the connection of a request. It returns nil if a server of another package has accepted the
// connection, such as one in a test.
func connectionOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	return c
}

// rest makes slot the slot of the connection, on which no request runs. The caller must hold the lock.
func (c *connection) rest(slot *limit.Slot) {
	c.idle = slot
	slot.Wait(c.kill)
}

// kill closes the connection, which takes no slot any more.
func (c *connection) kill() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	_ = netconn.CloseNow(c.raw)
}

// close releases the slot of a connection on which no request runs. Requests keep their slots until their handlers return.
func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.idle.Release()
	c.idle = nil
}

// begin takes the slot of a request. reset is called when a new connection takes the slot while other requests use this
// connection; it reports false if the handler has returned.
func (c *connection) begin(reset func() bool) (*request, error) {
	q := &request{conn: c, reset: reset}
	if c == nil {
		return q, nil
	}
	c.mu.Lock()
	c.running++
	q.slot, c.idle = c.idle, nil
	closed := c.closed
	c.mu.Unlock()
	q.slot.Busy()
	if q.slot != nil || closed {
		return q, nil
	}
	var err error
	q.slot, err = c.slots.Acquire(c.addr)
	return q, err
}

// end ends a request. The last request leaves its slot to the connection. If it has none, the connection takes one or is closed.
func (c *connection) end(slot *limit.Slot) {
	c.mu.Lock()
	c.running--
	last := c.running == 0 && !c.closed
	if last && slot != nil {
		c.rest(slot)
	}
	c.mu.Unlock()
	switch {
	case !last:
		slot.Release()
	case slot == nil:
		c.renew()
	}
}

// renew takes a slot for a connection that has none.
func (c *connection) renew() {
	slot, err := c.slots.Acquire(c.addr)
	if err != nil {
		c.kill()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.running > 0 || c.idle != nil {
		slot.Release()
		return
	}
	c.rest(slot)
}

// request is a request with the slot that it uses. It implements limit.Request.
type request struct {
	conn  *connection // connection of the request; nil: the request has no slot
	reset func() bool

	mu     sync.Mutex
	slot   *limit.Slot // nil after the request has lost its slot
	waits  bool        // whether the request waits for its client
	paused int         // number of reasons for which the handler waits
}

// wait records that the request waits for its client from now on.
func (q *request) wait() { q.change(func() { q.waits = true }) }

// busy records that the request does not wait for its client.
func (q *request) busy() { q.change(func() { q.waits = false }) }

// Pause records that the handler waits for something other than its client.
func (q *request) Pause() { q.change(func() { q.paused++ }) }

// Resume ends the effect of one call of Pause.
func (q *request) Resume() { q.change(func() { q.paused-- }) }

// Detach releases the slot of a request over HTTP/2. Over HTTP/1, the connection needs its slot, so Detach does
// nothing.
func (q *request) Detach() {
	if q.reset != nil {
		q.take().Release()
	}
}

func (q *request) change(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
	if q.waits || q.paused > 0 {
		q.slot.Wait(q.evict)
	} else {
		q.slot.Busy()
	}
}

// take returns the slot, which the request does not use any more.
func (q *request) take() *limit.Slot {
	q.mu.Lock()
	defer q.mu.Unlock()
	slot := q.slot
	q.slot = nil
	return slot
}

func (q *request) end() {
	if q.conn != nil {
		q.conn.end(q.take())
	}
}

// evict ends a request that has lost its slot, and with it the connection if no other request uses it.
func (q *request) evict() {
	q.take()
	q.conn.mu.Lock()
	alone := q.conn.running <= 1
	q.conn.mu.Unlock()
	if alone || !q.reset() {
		q.conn.kill()
	}
}
