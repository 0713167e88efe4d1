package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// disconnects is a server on which somebody sends gifts while clients lose their connections.
type disconnects struct {
	t     *testing.T
	at    *process
	live  int64
	gifts int            // number of gifts that were sent
	last  int64          // position of the last one
	cut   sync.WaitGroup // clients that still lose connections
	end   chan struct{}  // closed when gifts and last do not change any more

	running context.Context // ends when the test has failed
}

// TestAThousandDisconnectsLoseNothing disconnects clients 1,000 times at random bytes while gifts are sent: replays as lines of
// JSON, as server-sent events with Last-Event-ID, and sockets of viewers. Each client continues with its last cursor, and must
// receive everything once and in order.
func TestAThousandDisconnectsLoseNothing(t *testing.T) {
	t.Parallel()
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "1")
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	at.roomlog("user", "grant", fmt.Sprint(anna.id), "--role", "analyst")
	bert.topUp(100_000, 1)
	d := &disconnects{t: t, at: at, live: anna.open("An evening"), end: make(chan struct{})}
	viewers := []*person{join(t, at, "carl"), join(t, at, "dora")}
	const replays, sockets = 220, 60 // 4 × 220 + 2 × 60 are 1,000
	var clients sync.WaitGroup
	var fail context.CancelFunc
	d.running, fail = context.WithCancel(t.Context())
	defer clients.Wait()
	defer fail()
	d.cut.Add(6)
	for i := range 4 {
		clients.Go(func() { d.replay(anna, i%2 == 1, rand.New(rand.NewPCG(11, uint64(i))), replays) })
	}
	for i, v := range viewers {
		clients.Go(func() { d.watch(v, rand.New(rand.NewPCG(12, uint64(i))), sockets) })
	}
	giver := bert.connect("")
	over := make(chan struct{})
	go func() { d.cut.Wait(); close(over) }()
	for more := true; more; d.gifts++ {
		if d.gifts%500 == 499 { // otherwise it would have to acknowledge its balances
			giver.cut()
			giver = bert.connect("")
		}
		sent := giver.must("gift.send", map[string]any{"live": d.live, "gift": 1, "num": 1}, fmt.Sprint("k", d.gifts))
		d.last = into[struct{ Pos int64 }](t, sent).Pos
		select {
		case <-over:
			more = false
		default:
		}
	}
	close(d.end)
	clients.Wait()
	t.Logf("1000 disconnects while %d gifts were sent", d.gifts)
}

// awaitEnd waits until gifts and last do not change any more. It reports false if the test has failed before.
func (d *disconnects) awaitEnd() bool {
	select {
	case <-d.end:
		return true
	case <-d.running.Done():
		return false
	}
}

// logReader is a client that replays the log.
type logReader struct {
	next   int64  // position that it must receive next
	cursor string // of the last complete line
	gifts  int
}

// receive reads a complete line of a replay.
func (r *logReader) receive(line []byte) error {
	var l struct {
		Position int64
		Type     string
		Cursor   string
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("%w in %s", err, line)
	}
	if l.Cursor != "" {
		r.cursor = l.Cursor
	}
	if l.Position == 0 {
		return nil
	}
	if l.Position != r.next {
		return fmt.Errorf("got position %d, want %d", l.Position, r.next)
	}
	r.next++
	if l.Type == "gift.sent.v2" {
		r.gifts++
	}
	return nil
}

// replay follows the log, loses its connection n times after a random number of bytes, and reads the rest.
func (d *disconnects) replay(by *person, sse bool, random *rand.Rand, n int) {
	r := &logReader{next: 1, cursor: "0"}
	for range n {
		query, header := "follow=true&limit=12&after="+r.cursor, http.Header{} // the limit is above what is read before the cut
		if sse {
			query, header = "from=now&limit=12", http.Header{"Accept": {"text/event-stream"}, "Last-Event-ID": {r.cursor}}
		}
		err := d.read(by, query, header, 1+random.Int64N(4000), r)
		if d.running.Err() != nil {
			break
		}
		if err != nil {
			d.t.Errorf("server-sent events %t: %v", sse, err)
			break
		}
	}
	d.cut.Done()
	if !d.awaitEnd() {
		return
	}
	if err := d.read(by, "after="+r.cursor, nil, 1<<40, r); err != nil || r.next <= d.last || r.gifts != d.gifts {
		d.t.Errorf("server-sent events %t: received %d of at least %d events, %d of %d gifts: %v", sse, r.next-1, d.last, r.gifts, d.gifts, err)
	}
}

// read reads at most most bytes of a replay, then cuts the connection. Only complete lines count, and only complete server-sent
// events.
func (d *disconnects) read(by *person, query string, header http.Header, most int64, r *logReader) error {
	ctx, cancel := context.WithTimeout(d.running, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.at.addr+"/api/events?"+query, nil)
	if err != nil {
		return err
	}
	if header != nil {
		request.Header = header.Clone()
	}
	request.Header.Set("token", by.token)
	transport := by.transport()
	transport.DisableCompression = true
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body := bufio.NewReader(io.LimitReader(response.Body, most))
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(body)
		return fmt.Errorf("status %d: %s", response.StatusCode, text)
	}
	sse := strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream")
	var data []byte // of the server-sent event that has begun
	for {
		line, err := body.ReadBytes('\n')
		if err != nil {
			return nil // the connection was cut
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case !sse:
			data = line
		case len(line) > 0:
			if value, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
				data = value
			}
			continue
		}
		if len(data) > 0 {
			if err := r.receive(data); err != nil {
				return err
			}
		}
		data = nil
	}
}

// watch joins the live, loses its connection n times after a random number of pushes, and receives the rest.
func (d *disconnects) watch(v *person, random *rand.Rand, n int) {
	var l *line
	for i := range n + 1 {
		if d.running.Err() != nil {
			break
		}
		s, err := v.dialFor(timeout, "")
		if err != nil {
			d.t.Error(err)
			break
		}
		since := ""
		if l != nil {
			since = l.cursor
		}
		f, err := s.ask("room.join", map[string]any{"live": d.live, "since": since}, "")
		if err != nil || f.Type != "ok" {
			d.t.Errorf("%s cannot join: %s %v", v.name, f.Data, err)
			break
		}
		switch in := into[joined](d.t, f); {
		case l == nil:
			l = newLine(d.live, in.Snapshot)
			l.gifts = int(in.Snapshot.Gauges.Coins) // a gift costs one coin
		case in.Resumed == nil:
			d.t.Errorf("%s resumed with a snapshot after position %d", v.name, l.at)
			l = nil
		default:
			l.resumed(in.Resumed)
		}
		if l == nil {
			break
		}
		if i == n {
			d.cut.Done()
			d.rest(v, s, l)
			return
		}
		s.awaitPushes(random.IntN(6))
		s.cut()
		<-s.closed // afterwards no frame arrives
		l.hear(d.t, s)
	}
	d.cut.Done()
}

// rest waits for the last gift, and compares the number of gifts.
func (d *disconnects) rest(v *person, s *socket, l *line) {
	if !d.awaitEnd() {
		return
	}
	eventually(d.t, "the last gift arrives", func() bool {
		l.hear(d.t, s)
		return l.at >= d.last
	})
	if l.gifts != d.gifts {
		d.t.Errorf("%s received %d gifts, want %d", v.name, l.gifts, d.gifts)
	}
}

// awaitPushes waits until a connection has received at least n pushes, or has ended.
func (s *socket) awaitPushes(n int) {
	for {
		s.mu.Lock()
		received, changed := len(s.pushes), s.changed
		s.mu.Unlock()
		if received >= n {
			return
		}
		select {
		case <-changed:
		case <-s.closed:
			return
		}
	}
}
