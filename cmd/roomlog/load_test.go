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
	each    int     // number of gifts of each giver
	steady  *steady // nil: gifts as fast as possible, and no comments
	others  int     // number of gifts in other lives
	streams sync.WaitGroup
	watches sync.WaitGroup
	end     chan struct{} // closed when all gifts are acknowledged
	last    atomic.Int64  // position of the newest gift that was acknowledged
	acked   atomic.Int64

	mu       sync.Mutex
	givers   []*person
	watchers []*line
	receipts map[int64]string // position of each acknowledged gift or comment → its giver and key
}

// steady makes the givers of a load post comments, too, at a steady pace, until over is closed. All users return to their servers when
// these run again.
type steady struct {
	pace     time.Duration
	gifts    bool // whether every command is a gift
	over     chan struct{}
	back     atomic.Int64 // number of times that all servers ran again
	commands sync.Map     // giver → number of acknowledged commands
	homes    sync.Map     // user → value of back when the user connected to the server where the user began; negative if it is another one
}

// connected records where a user is connected.
func (s *steady) connected(p *person, atHome bool) {
	now := s.back.Load()
	if !atHome {
		now = -now
	}
	s.homes.Store(p.name, now)
}

// allBack reports whether n users have returned to the servers where they began, since all servers ran again. If all have connected, and
// some elsewhere because their server did not respond in time, they try it again.
func (s *steady) allBack(n int) bool {
	home, elsewhere := 0, 0
	s.homes.Range(func(_, at any) bool {
		switch at {
		case s.back.Load():
			home++
		case -s.back.Load():
			elsewhere++
		}
		return true
	})
	if home+elsewhere == n && elsewhere > 0 {
		s.back.Add(1)
	}
	return home == n
}

// done returns the number of commands of each giver that were acknowledged.
func (s *steady) done() map[string]int {
	all := make(map[string]int)
	s.commands.Range(func(name, n any) bool { all[fmt.Sprint(name)], _ = n.(int); return true })
	return all
}

// isOver reports whether the givers stop.
func (s *steady) isOver() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// pause waits until the next command of a giver.
func (s *steady) pause() {
	if s != nil {
		<-time.After(s.pace) // time passes: a slow machine makes the pace slower, and nothing depends on it
	}
}

// returns counts how often all servers ran again.
func (s *steady) returns() int64 {
	if s == nil {
		return 0
	}
	return s.back.Load()
}

// startLoad creates a live and starts givers and watchers. Each giver has coins for all gifts.
func startLoad(t testing.TB, givers, watchers, each int, servers ...*process) *load {
	t.Helper()
	return beginLoad(t, nil, givers, watchers, each, servers...)
}

// beginLoad does the same as startLoad, or starts a steady load, of which each limits the commands of a giver.
func beginLoad(t testing.TB, s *steady, givers, watchers, each int, servers ...*process) *load {
	t.Helper()
	c := &load{t: t, servers: servers, each: each, steady: s, end: make(chan struct{}), receipts: map[int64]string{}}
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
			if c.steady != nil {
				c.steady.connected(p, p.at == c.servers[c.home(p)])
			}
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

// home returns the index of the server at which a user began. It is the number at the end of the user's name.
func (c *load) home(p *person) int {
	var i int
	if _, err := fmt.Sscan(p.name[strings.LastIndex(p.name, "-")+1:], &i); err != nil {
		c.t.Errorf("%s has no number", p.name)
	}
	return i % len(c.servers)
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
	returns := c.steady.returns()
	for n := 0; n < c.each && !c.steady.isOver() && !c.abandoned(); n++ {
		c.steady.pause()
		for !c.abandoned() {
			if now := c.steady.returns(); s != nil && now != returns {
				s.cut()
				s, i, returns = nil, c.home(p), now
			}
			if s == nil {
				if s = c.somewhere(p, &i); s == nil {
					return
				}
			}
			done, err := c.command(p, s, n)
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

// command sends one gift, or one comment if it is the second command of a steady load. An error means that the connection is broken.
func (c *load) command(p *person, s *socket, n int) (done bool, err error) {
	kind, data, key := "gift.send", map[string]any{"live": c.live, "gift": 1, "num": 1}, fmt.Sprintf("k%d", n)
	if c.steady != nil && !c.steady.gifts && n%2 == 1 {
		kind, data = "comment.post", map[string]any{"live": c.live, "text": p.name + " " + key}
	}
	f, err := s.askFor(replyTimeout, kind, data, key)
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
		if c.steady != nil {
			c.steady.commands.Store(p.name, n+1)
		}
		return true, nil
	}
	switch no := into[problem](c.t, f); no.Code {
	case "busy", "outcome_unknown", "internal": // the code may mean that the database is unreachable: repeat the gift
		<-time.After(min(time.Duration(no.RetryAfter)*time.Millisecond, 200*time.Millisecond)) // time passes: the server says when to repeat
		return false, nil
	default:
		c.t.Errorf("%s %s of %s is refused: %s", kind, key, p.name, f.Data)
		return true, nil
	}
}

// watch receives the pushes of the live on one connection after another, until all gifts were received.
func (c *load) watch(p *person, s *socket, l *line, i int) {
	returns := c.steady.returns()
	for {
		if now := c.steady.returns(); now != returns {
			s.cut()
			i, returns = c.home(p)-1, now
		}
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

// more waits until the givers have sent n more gifts.
func (c *load) more(n int64) {
	c.t.Helper()
	n += c.acked.Load()
	eventually(c.t, fmt.Sprintf("%d gifts are acknowledged", n), func() bool { return c.acked.Load() >= n })
}

// sent returns the number of gifts of each giver. The givers of a steady load must not have reached their limit before it was over.
func (c *load) sent() (of map[string]int, all int) {
	c.t.Helper()
	of = make(map[string]int)
	for _, p := range c.givers {
		of[p.name] = c.each
		if c.steady != nil {
			if of[p.name] = c.steady.done()[p.name]; of[p.name] == c.each {
				c.t.Errorf("%s had sent %d gifts before the load was over", p.name, c.each)
			}
		}
		all += of[p.name]
	}
	return of, all
}

// judge waits until all gifts are acknowledged, or until a steady load of gifts is over. Then it compares all acknowledgements and pushes with the log.
func (c *load) judge() {
	c.t.Helper()
	c.streams.Wait()
	close(c.end)
	c.watches.Wait()
	sent, all := c.sent()
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
	if err != nil || len(logged) != all+c.others {
		c.t.Errorf("the log has %d gifts, want %d: %v", len(logged), all+c.others, err)
	}
	for position := range c.receipts {
		if _, ok := logged[position]; !ok {
			c.t.Errorf("the gift acknowledged at position %d is not in the log", position)
		}
	}
	for _, p := range c.givers {
		p.at = at
		left := int64(30 * (c.each - sent[p.name]))
		eventually(c.t, p.name+" has paid for every gift, once", func() bool { return p.coins() == left })
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
