package realtime_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/realtime"
)

func TestFanout(t *testing.T) {
	for name, window := range map[string]time.Duration{"with a window": 5 * time.Millisecond, "without": -1} {
		t.Run(name+" everybody gets every frame once and in order", func(t *testing.T) {
			s := serve(t, func(cfg *realtime.SocketConfig) { cfg.FlushWindow = window })
			room := s.NewFanout()
			const people, frames = 30, 2000
			var clients []*client
			for range people {
				clients = append(clients, dial(t, s.addr))
				room.Add(receive(t, s.peers, "the connection").conn)
			}
			if n := room.Len(); n != people {
				t.Errorf("Len = %d", n)
			}
			go func() {
				for i := range frames {
					room.Push(realtime.MustFrame(fmt.Append(nil, i)))
				}
			}()
			var all sync.WaitGroup
			for _, c := range clients {
				all.Go(func() {
					for i := range frames {
						if _, payload, err := c.next(); err != nil || payload != fmt.Sprint(i) {
							t.Errorf("frame %d: %q %v", i, payload, err)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
	t.Run("sends the first frame at once", func(t *testing.T) {
		s := serve(t, func(cfg *realtime.SocketConfig) { cfg.FlushWindow = time.Hour })
		room := s.NewFanout()
		c := dial(t, s.addr)
		room.Add(receive(t, s.peers, "the connection").conn)
		room.Push(realtime.MustFrame([]byte("first")))
		c.hear("first")
	})
	t.Run("joins those that follow the first, also after a silence", func(t *testing.T) {
		const window = 600 * time.Millisecond
		s := serve(t, func(cfg *realtime.SocketConfig) { cfg.FlushWindow = window })
		room := s.NewFanout()
		c := dial(t, s.addr)
		room.Add(receive(t, s.peers, "the connection").conn)
		for round := range 2 { // the second starts after a silence
			start := time.Now()
			room.Push(realtime.MustFrame([]byte("first")))
			c.hear("first")
			for i := range 100 {
				room.Push(realtime.MustFrame(fmt.Append(nil, i)))
			}
			c.hear("0")
			if took := time.Since(start); took < window*9/10 {
				t.Errorf("round %d: the second flush came after %v", round, took)
			}
			for i := 1; i < 100; i++ {
				if i > 1 && c.in.Buffered() == 0 {
					t.Fatalf("round %d: frame %d did not come in the same write", round, i)
				}
				c.hear(fmt.Sprint(i))
			}
			<-time.After(2 * window)
		}
	})
	t.Run("does not let what happens wait because figures were told", func(t *testing.T) {
		s := serve(t, func(cfg *realtime.SocketConfig) { cfg.FlushWindow = time.Hour })
		room := s.NewFanout()
		c := dial(t, s.addr)
		room.Add(receive(t, s.peers, "the connection").conn)
		room.Push(realtime.NewestFrame([]byte("17 people"), "gauge"))
		c.hear("17 people")
		room.Push(realtime.MustFrame([]byte("a gift")))
		c.hear("a gift")
	})
	t.Run("a newcomer gets what is pushed after Add, and nothing from before", func(t *testing.T) {
		s := serve(t, func(cfg *realtime.SocketConfig) { cfg.FlushWindow = time.Second })
		room := s.NewFanout()
		old := dial(t, s.addr)
		room.Add(receive(t, s.peers, "the connection").conn)
		var late []*client
		var conns []*realtime.Conn
		for range 4 { // some in every shard
			late = append(late, dial(t, s.addr))
			conns = append(conns, receive(t, s.peers, "the connection").conn)
		}
		room.Push(realtime.MustFrame([]byte("first")))
		old.hear("first") // from here on frames wait for the window
		room.Push(realtime.NewestFrame([]byte("gauge 1"), "gauge"))
		room.Push(realtime.MustFrame([]byte("before")))
		for _, conn := range conns {
			room.Add(conn)
			room.Add(conn) // again changes nothing
		}
		if n := room.Len(); n != 5 {
			t.Errorf("Len = %d", n)
		}
		room.Push(realtime.NewestFrame([]byte("gauge 2"), "gauge"))
		room.Push(realtime.MustFrame([]byte("after")))
		for _, c := range late {
			c.hear("gauge 2")
			c.hear("after")
		}
		old.hear("before")
		old.hear("gauge 2")
		old.hear("after")
		room.Push(realtime.MustFrame([]byte("next")))
		for _, c := range append(late, old) {
			c.hear("next")
		}
	})
	t.Run("who was removed gets nothing more", func(t *testing.T) {
		s := serve(t, nil)
		room := s.NewFanout()
		c := dial(t, s.addr)
		conn := receive(t, s.peers, "the connection").conn
		room.Push(realtime.MustFrame([]byte("nobody is here")))
		room.Add(conn)
		room.Push(realtime.MustFrame([]byte("one")))
		c.hear("one")
		room.Push(realtime.MustFrame([]byte("two")))
		room.Remove(conn)
		room.Remove(conn)
		if n := room.Len(); n != 0 {
			t.Errorf("Len = %d", n)
		}
		room.Push(realtime.MustFrame([]byte("three")))
		conn.Send(realtime.MustFrame([]byte("four")))
		_, payload, err := c.next()
		if payload == "two" {
			_, payload, err = c.next()
		}
		if err != nil || payload != "four" {
			t.Errorf("got %q %v", payload, err)
		}
	})
	t.Run("counts what a flush joined and how long that took to be told", func(t *testing.T) {
		s := serve(t, func(cfg *realtime.SocketConfig) { cfg.FlushWindow = 50 * time.Millisecond })
		room := s.NewFanout()
		c := dial(t, s.addr)
		room.Push(realtime.MustFrame([]byte("nobody is here")))
		room.Add(receive(t, s.peers, "the connection").conn)
		happened := time.Now().Add(-time.Minute)
		room.Push(realtime.MustFrame([]byte("alone")).RecordedAt(happened))
		c.hear("alone")
		room.Push(realtime.MustFrame([]byte("a reply is no event")))
		room.Push(realtime.MustFrame([]byte("one")).RecordedAt(happened))
		room.Push(realtime.MustFrame([]byte("two")).RecordedAt(happened))
		for _, text := range []string{"a reply is no event", "one", "two"} {
			c.hear(text)
		}
		eventually(t, "the flush is counted", func() bool { n, _ := observed(t, s.Stats().FlushFrames); return n == 2 })
		if _, frames := observed(t, s.Stats().FlushFrames); frames != 4 {
			t.Errorf("two flushes joined %v frames, not four", frames)
		}
		eventually(t, "the frames are counted", func() bool { n, _ := observed(t, s.Stats().PushSeconds); return n == 3 })
		if _, seconds := observed(t, s.Stats().PushSeconds); seconds < 180 || seconds > 200 {
			t.Errorf("what happened a minute ago was told three times after %v s altogether", seconds)
		}
	})
	t.Run("people come and go while frames fly", func(t *testing.T) {
		s := serve(t, func(cfg *realtime.SocketConfig) { cfg.FlushWindow = time.Millisecond })
		room := s.NewFanout()
		stop := make(chan struct{})
		var pusher sync.WaitGroup
		pusher.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					room.Push(realtime.MustFrame(fmt.Append(nil, i)))
				}
				if i%100 == 0 {
					<-time.After(time.Millisecond)
				}
			}
		})
		for range 60 {
			c := dial(t, s.addr)
			p := receive(t, s.peers, "the connection")
			room.Add(p.conn)
			last := -1
			for range 100 {
				_, payload, err := c.next()
				if err != nil {
					t.Fatal(err)
				}
				var i int
				if _, err := fmt.Sscan(payload, &i); err != nil || last >= 0 && i != last+1 {
					t.Fatalf("after %d came %q", last, payload)
				}
				last = i
			}
			room.Remove(p.conn)
			_ = c.conn.Close()
		}
		close(stop)
		pusher.Wait()
	})
}

// observed answers how often a histogram was told a value, and the sum of them.
func observed(t *testing.T, h prometheus.Histogram) (count uint64, sum float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(h)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d families: %v", len(families), err)
	}
	values := families[0].GetMetric()[0].GetHistogram()
	return values.GetSampleCount(), values.GetSampleSum()
}
