package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// pingEvery is the interval in which a node pings the NATS server.
const pingEvery = 2 * time.Second

// announceInterval returns the interval in which each of n nodes announces itself to the others. See announceInterval in
// eventstore/cluster.
func announceInterval(n int) time.Duration {
	return min(max(time.Second, time.Duration(n)*20*time.Millisecond), 10*time.Second)
}

// edge is an emulated node: a connection to the NATS server with the subscriptions of a node that receives from the relay. It receives
// every batch, checks that none is missing, and counts the pushes that its viewers would receive. It speaks the protocol of NATS itself,
// because a thousand edges share the processors with what is measured.
type edge struct {
	conn    net.Conn
	name    string
	batches *batches
	viewers int

	// receive alone uses these until it has ended.
	at       int64         // position up to which the edge has received; -1: it has received nothing
	holes    int64         // number of batches that did not follow the one before
	received []arrival     // comments in the order of their arrival
	messages int64         // number of batches and heartbeats
	pushes   int64         // number of pushes to the viewers
	count    *atomic.Int64 // number of comments that all edges have received
}

// arrival is the arrival of a comment at an edge.
type arrival struct {
	number int
	at     time.Time
}

// subjects returns the subjects of a node of the store with an id, first that of the relay. See feed.subjectOf and cluster.NewNATS.
func subjects(store string) []string {
	prefix := "roomlog." + store + "."
	return []string{prefix + "feed", prefix + "cluster.alive", prefix + "cluster.left", prefix + "cluster.messages", prefix + "cluster.ping"}
}

// dialNATS connects to a NATS server and subscribes. It returns when the server has processed the subscriptions.
func dialNATS(addr, name string, subjects ...string) (net.Conn, *bufio.Reader, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"protocol\":1,\"lang\":\"go\",\"name\":%q}\r\n", name)
	for i, subject := range subjects {
		fmt.Fprintf(&out, "SUB %s %d\r\n", subject, i+1)
	}
	out.WriteString("PING\r\n")
	if _, err = conn.Write(out.Bytes()); err == nil {
		r := bufio.NewReaderSize(conn, 16<<10)
		for {
			var line []byte
			if line, err = r.ReadSlice('\n'); err != nil {
				break
			}
			if bytes.HasPrefix(line, []byte("PONG")) {
				return conn, r, nil
			}
			if bytes.HasPrefix(line, []byte("-ERR")) {
				err = fmt.Errorf("the NATS server says %s", bytes.TrimSpace(line))
				break
			}
		}
	}
	return nil, nil, errors.Join(err, conn.Close())
}

// readMessage reads up to the next message. sid is the number of its subscription and payload is valid until the next call. It replies to
// pings of the server.
func readMessage(conn io.Writer, r *bufio.Reader, buffer *[]byte) (sid int, subject string, payload []byte, err error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, "", nil, err
		}
		m, is, err := parseHead(line)
		switch {
		case err != nil:
			return 0, "", nil, err
		case is:
			if m.sid == 1 {
				subject = string(m.subject)
			}
			if m.size+2 <= r.Buffered() { // the whole message is in memory
				all, err := r.Peek(m.size + 2)
				if err != nil {
					return 0, "", nil, err
				}
				_, err = r.Discard(m.size + 2)
				return m.sid, subject, all[m.header:m.size], err
			}
			if cap(*buffer) < m.size+2 {
				*buffer = make([]byte, m.size+2)
			}
			all := (*buffer)[:m.size+2]
			if _, err := io.ReadFull(r, all); err != nil {
				return 0, "", nil, err
			}
			return m.sid, subject, all[m.header:m.size], nil
		case bytes.HasPrefix(line, []byte("PING")):
			if _, err := io.WriteString(conn, "PONG\r\n"); err != nil {
				return 0, "", nil, err
			}
		case bytes.HasPrefix(line, []byte("-ERR")):
			return 0, "", nil, fmt.Errorf("the NATS server says %s", bytes.TrimSpace(line))
		}
	}
}

// head is the first line of a message: MSG subject sid [reply] size, or HMSG subject sid [reply] header size.
type head struct {
	subject           []byte
	sid, header, size int
}

// parseHead parses the first line of a message. It reports false for other lines.
func parseHead(line []byte) (m head, is bool, err error) {
	var fields [7][]byte
	n := 0
	for rest := bytes.TrimRight(line, "\r\n"); len(rest) > 0 && n < len(fields); n++ {
		fields[n], rest, _ = bytes.Cut(rest, []byte(" "))
	}
	kind := string(fields[0])
	if kind != "MSG" && kind != "HMSG" {
		return head{}, false, nil
	}
	least := 4
	if kind == "HMSG" {
		least = 5
	}
	if n < least || n > least+1 {
		return head{}, false, fmt.Errorf("the NATS server sends %q", line)
	}
	m.subject = fields[1]
	m.sid, err = strconv.Atoi(string(fields[2]))
	if err == nil {
		m.size, err = strconv.Atoi(string(fields[n-1]))
	}
	if err == nil && kind == "HMSG" {
		m.header, err = strconv.Atoi(string(fields[n-2]))
	}
	if err != nil || m.header < 0 || m.size < m.header {
		return head{}, false, fmt.Errorf("the NATS server sends %q", line)
	}
	return m, true, nil
}

// run receives until the connection is closed, and announces the edge at an interval; 0: never. It returns nil after ctx has ended.
func (e *edge) run(ctx context.Context, r *bufio.Reader, alive string, every time.Duration) error {
	ended := context.AfterFunc(ctx, func() { _ = e.conn.Close() })
	defer ended()
	go e.announce(ctx, alive, every)
	var buffer []byte
	for {
		sid, _, payload, err := readMessage(e.conn, r, &buffer)
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the connection was closed because ctx has ended
			}
			return fmt.Errorf("edge %s: %w", e.name, err)
		}
		if sid != 1 {
			continue
		}
		now := time.Now()
		b, err := e.batches.decode(payload)
		if err != nil {
			return fmt.Errorf("edge %s: %w", e.name, err)
		}
		e.take(b, now)
	}
}

// take counts a batch.
func (e *edge) take(b *batch, now time.Time) {
	e.messages++
	if e.at >= 0 && b.After > e.at {
		e.holes++
	}
	e.at = max(e.at, b.Checkpoint)
	for _, number := range b.comments {
		e.received = append(e.received, arrival{number, now})
		e.count.Add(1)
	}
	e.pushes += int64(len(b.comments) * e.viewers)
}

// announce sends what a node sends while it has nothing to say.
func (e *edge) announce(ctx context.Context, alive string, every time.Duration) {
	text := fmt.Appendf(nil, "PUB %s %d\r\n%s\r\n", alive, len(e.name), e.name)
	pings := time.NewTicker(pingEvery)
	defer pings.Stop()
	var due <-chan time.Time
	if every > 0 {
		tick := time.NewTicker(every)
		defer tick.Stop()
		due = tick.C
		if _, err := e.conn.Write(text); err != nil {
			return // run reports it
		}
	}
	for {
		var err error
		select {
		case <-due:
			_, err = e.conn.Write(text)
		case <-pings.C:
			_, err = io.WriteString(e.conn, "PING\r\n")
		case <-ctx.Done():
			return
		}
		if err != nil {
			return // run reports it
		}
	}
}
