package main_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// replyTimeout is the time that a client waits for a response before it tries another server.
const replyTimeout = 3 * time.Second

// load is a group of users who send gifts to one live, and of users who watch it, while servers fail. If the server of
// a user fails, the user continues on another one, and repeats gifts without a reply with the same key.
type load struct {
	t       testing.TB
	servers []*process
	live    int64
	each    int // number of gifts of each giver
	streams sync.WaitGroup
	watches sync.WaitGroup
	end     chan struct{} // closed when all gifts are acknowledged
	last    atomic.Int64  // position of the newest gift that was acknowledged
	acked   atomic.Int64

	mu       sync.Mutex
	givers   []*person
	watchers []*line
	receipts map[int64]string // position of each acknowledged gift → its giver and key
}

// startLoad creates a live and starts givers and watchers. Each giver has coins for all gifts.
func startLoad(t testing.TB, givers, watchers, each int, servers ...*process) *load {
	t.Helper()
	c := &load{t: t, servers: servers, each: each, end: make(chan struct{}), receipts: map[int64]string{}}
	t.Cleanup(func() { // A test that fails before judge ends its goroutines here: its context is done.
		c.streams.Wait()
		c.watches.Wait()
	})
	servers[0].roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	c.live = join(t, servers[0], "streamer").open("under load")
	for i := range watchers {
		p := join(t, servers[i%len(servers)], fmt.Sprintf("watcher-%d", i))
		s := p.connect("")
		l := newLine(c.live, enter(t, s, c.live, "").Snapshot)
		c.watchers = append(c.watchers, l)
		c.watches.Go(func() { c.watch(p, s, l, i) })
	}
	for i := range givers {
		p := join(t, servers[i%len(servers)], fmt.Sprintf("giver-%d", i))
		p.topUp(3*each, 1)
		c.givers = append(c.givers, p)
	}
	for i, p := range c.givers { // all start together, after they have joined
		c.streams.Go(func() { c.give(p, i) })
	}
	return c
}

// somewhere returns a connection of p to a server that is running. It tries the i-th server first.
func (c *load) somewhere(p *person, i *int) *socket {
	for tries := 0; !c.abandoned(); tries++ {
		p.at = c.servers[*i%len(c.servers)]
		s, err := p.dial("")
		if err == nil {
			return s
		}
		*i++
		if tries > 600 {
			c.t.Errorf("%s finds no server: %v", p.name, err)
			return nil
		}
		<-time.After(50 * time.Millisecond)
	}
	return nil
}

// abandoned reports whether the test has ended before all gifts were received.
func (c *load) abandoned() bool { return c.t.Context().Err() != nil }

// give sends gifts one after another until each is acknowledged.
func (c *load) give(p *person, i int) {
	var s *socket
	defer func() {
		if s != nil {
			s.cut()
		}
	}()
	for n := range c.each {
		for !c.abandoned() {
			if s == nil {
				if s = c.somewhere(p, &i); s == nil {
					return
				}
			}
			done, err := c.gift(p, s, fmt.Sprintf("k%d", n))
			if done {
				break
			}
			if err != nil {
				s.cut()
				s, i = nil, i+1
			}
		}
	}
}

// gift sends one gift. An error means that the connection is broken.
func (c *load) gift(p *person, s *socket, key string) (done bool, err error) {
	f, err := s.askFor(replyTimeout, "gift.send", map[string]any{"live": c.live, "gift": 1, "num": 1}, key)
	if err != nil {
		return false, err
	}
	if f.Type == "ok" {
		got := into[purse](c.t, f)
		c.mu.Lock()
		defer c.mu.Unlock()
		if whose, twice := c.receipts[got.Pos]; twice {
			c.t.Errorf("position %d is acknowledged to %s and to %s", got.Pos, whose, p.name+" "+key)
		}
		c.receipts[got.Pos] = p.name + " " + key
		c.last.Store(max(c.last.Load(), got.Pos))
		c.acked.Add(1)
		return true, nil
	}
	switch no := into[problem](c.t, f); no.Code {
	case "busy", "outcome_unknown", "internal": // the code may mean that the database is unreachable: repeat the gift
		<-time.After(min(time.Duration(no.RetryAfter)*time.Millisecond, 200*time.Millisecond)) // time passes: the server says when to repeat
		return false, nil
	default:
		c.t.Errorf("gift %s of %s is refused: %s", key, p.name, f.Data)
		return true, nil
	}
}

// watch receives the pushes of the live on one connection after another, until all gifts were received.
func (c *load) watch(p *person, s *socket, l *line, i int) {
	for {
		select {
		case <-s.closed:
		case <-time.After(10 * time.Millisecond):
		}
		c.mu.Lock()
		l.hear(c.t, s)
		at := l.at
		c.mu.Unlock()
		select {
		case <-c.t.Context().Done():
			s.cut()
			return
		case <-c.end:
			if at >= c.last.Load() {
				s.cut()
				return
			}
		default:
		}
		if s.alive() {
			continue
		}
		i++
		if s = c.comeBack(p, l, &i); s == nil {
			return
		}
	}
}

// comeBack joins the live again, from the position that the watcher has reached.
func (c *load) comeBack(p *person, l *line, i *int) *socket {
	for tries := 0; tries < 600 && !c.abandoned(); tries++ {
		s := c.somewhere(p, i)
		if s == nil {
			return nil
		}
		since := l.cursor
		f, err := s.askFor(replyTimeout, "room.join", map[string]any{"live": c.live, "since": since}, "")
		switch {
		case err == nil && f.Type == "ok":
			back := into[joined](c.t, f)
			if back.Resumed == nil {
				c.t.Errorf("%s resumed with a snapshot", p.name)
				return nil
			}
			c.mu.Lock()
			l.resumed(back.Resumed)
			c.mu.Unlock()
			return s
		case err == nil && into[problem](c.t, f).Code != "busy" && into[problem](c.t, f).Code != "outcome_unknown" && into[problem](c.t, f).Code != "internal":
			c.t.Errorf("%s cannot resume: %s", p.name, f.Data)
			return nil
		}
		s.cut()
		*i++
		<-time.After(50 * time.Millisecond)
	}
	if !c.abandoned() {
		c.t.Errorf("%s cannot resume", p.name)
	}
	return nil
}

// all returns the total number of gifts.
func (c *load) all() int { return len(c.givers) * c.each }

// middle waits until a part of the gifts is acknowledged. In the first of two rounds, this is a third.
func (c *load) middle(round, rounds int) {
	c.t.Helper()
	gifts := (round + 1) * c.all() / (rounds + 1)
	eventually(c.t, fmt.Sprintf("%d gifts are acknowledged", gifts), func() bool { return c.acked.Load() >= int64(gifts) })
}

// judge waits until all gifts are acknowledged, and compares all acknowledgements and pushes with the log.
func (c *load) judge() {
	c.t.Helper()
	c.streams.Wait()
	close(c.end)
	c.watches.Wait()
	all := c.all()
	if len(c.receipts) != all {
		c.t.Errorf("%d gifts were acknowledged, want %d", len(c.receipts), all)
	}
	for i, l := range c.watchers {
		if l.gifts != all {
			c.t.Errorf("watcher %d heard %d gifts, want %d", i, l.gifts, all)
		}
	}
	at := c.servers[0]
	logged, err := loggedGifts(at.roomlog("export", "--type", "gift.sent.v2"))
	if err != nil || len(logged) != all {
		c.t.Errorf("the log has %d gifts, want %d: %v", len(logged), all, err)
	}
	for position := range c.receipts {
		if _, ok := logged[position]; !ok {
			c.t.Errorf("the gift acknowledged at position %d is not in the log", position)
		}
	}
	for _, p := range c.givers {
		p.at = at
		eventually(c.t, p.name+" has paid for every gift, once", func() bool { return p.coins() == 0 })
	}
	if out := at.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		c.t.Errorf("verify printed %s", out)
	}
}

// loggedGifts returns the gifts in an export by their positions.
func loggedGifts(exported string) (map[int64]string, error) {
	found := map[int64]string{}
	lines := bufio.NewScanner(strings.NewReader(exported))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Position int64
			Actor    string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("%w in %s", err, lines.Text())
		}
		if line.Position == 0 {
			return nil, errors.New("a line without a position: " + lines.Text())
		}
		found[line.Position] = line.Actor
	}
	return found, lines.Err()
}
