package ws_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/internal/clocktest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

func TestFanout(t *testing.T) {
	for name, window := range map[string]time.Duration{"with a window": 5 * time.Millisecond, "without": -1} {
		t.Run(name+" everybody gets every frame once and in order", func(t *testing.T) {
			s := serve(t, func(cfg *ws.Config) { cfg.PushWindow = window })
			room := s.NewFanout()
			const people, frames = 30, 2000
			var clients []*wstest.Client
			for range people {
				clients = append(clients, wstest.Dial(t, s.addr))
				room.Add(wstest.Receive(t, s.peers, "the connection").conn)
			}
			if n := room.Len(); n != people {
				t.Errorf("Len = %d, want %v", n, people)
			}
			go func() {
				for i := range frames {
					room.Push(ws.TextFrame(fmt.Append(nil, i)))
				}
			}()
			var all sync.WaitGroup
			for _, c := range clients {
				all.Go(func() {
					for i := range frames {
						if _, payload, err := c.ReadFrame(); err != nil || payload != fmt.Sprint(i) {
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
		s := serve(t, func(cfg *ws.Config) { cfg.PushWindow = time.Hour })
		room := s.NewFanout()
		c := wstest.Dial(t, s.addr)
		room.Add(wstest.Receive(t, s.peers, "the connection").conn)
		room.Push(ws.TextFrame([]byte("first")))
		c.ExpectText("first")
	})
	t.Run("sends each frame at once while there are few", func(t *testing.T) {
		const window = 50 * time.Millisecond
		clock := clocktest.New()
		s := serve(t, func(cfg *ws.Config) { cfg.Now, cfg.PushWindow = clock.Now, window })
		room := s.NewFanout()
		c := wstest.Dial(t, s.addr)
		room.Add(wstest.Receive(t, s.peers, "the connection").conn)
		for i := range 100 {
			room.Push(ws.TextFrame(fmt.Append(nil, i)))
			c.ExpectText(fmt.Sprint(i))
			clock.Forward(window * 3 / 4)
		}
	})
	t.Run("joins as many frames as are expected within the window", func(t *testing.T) {
		const window, together = 50 * time.Millisecond, 4
		clock := clocktest.New()
		s := serve(t, func(cfg *ws.Config) { cfg.Now, cfg.PushWindow = clock.Now, window })
		room := s.NewFanout()
		c := wstest.Dial(t, s.addr)
		room.Add(wstest.Receive(t, s.peers, "the connection").conn)
		push := func(text string) {
			clock.Forward(window / together)
			room.Push(ws.TextFrame([]byte(text)))
		}
		for range 200 {
			push("many")
		}
		push("the last of many")
		clock.Forward(window)
		for text := ""; text != "the last of many"; {
			_, payload, err := c.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			text = payload
		}
		room.Push(ws.TextFrame([]byte("after a silence")))
		c.ExpectText("after a silence")
		for range 10 {
			before, _ := observed(t, s.Stats().FlushFrames)
			for i := range together {
				push(fmt.Sprint(i))
			}
			for i := range together {
				if i > 0 && c.In.Buffered() == 0 {
					t.Fatalf("frame %d was not in the same write", i)
				}
				c.ExpectText(fmt.Sprint(i))
			}
			wstest.Eventually(t, "the flush is counted", func() bool { n, _ := observed(t, s.Stats().FlushFrames); return n > before })
		}
	})
	t.Run("joins the frames after the first, even after a silence", func(t *testing.T) {
		const window = 20 * time.Millisecond // length of the push window, on the clock below
		clock := clocktest.New()
		s := serve(t, func(cfg *ws.Config) { cfg.Now, cfg.PushWindow = clock.Now, window })
		room := s.NewFanout()
		c := wstest.Dial(t, s.addr)
		conn := wstest.Receive(t, s.peers, "the connection").conn
		room.Add(conn)
		makeBusy(t, clock, room, c)
		for round := range 2 { // the second round starts after a silence
			room.Push(ws.TextFrame([]byte("first")))
			c.ExpectText("first")
			for i := range 10 {
				room.Push(ws.TextFrame(fmt.Append(nil, i)))
			}
			clock.Forward(window - 1)
			conn.Send(ws.TextFrame([]byte("the window is open")))
			c.ExpectText("the window is open")
			clock.Forward(1)
			c.ExpectText("0")
			for i := 1; i < 10; i++ {
				if c.In.Buffered() == 0 {
					t.Fatalf("round %d: frame %d was not in the same write", round, i)
				}
				c.ExpectText(fmt.Sprint(i))
			}
			clock.Forward(2 * window)
		}
	})
	t.Run("does not delay an event after a gauge", func(t *testing.T) {
		s := serve(t, func(cfg *ws.Config) { cfg.PushWindow = time.Hour })
		room := s.NewFanout()
		c := wstest.Dial(t, s.addr)
		room.Add(wstest.Receive(t, s.peers, "the connection").conn)
		room.Push(ws.LatestFrame([]byte("17 people"), "gauge"))
		c.ExpectText("17 people")
		room.Push(ws.TextFrame([]byte("a gift")))
		c.ExpectText("a gift")
	})
	t.Run("sends a new connection the frames after Add and none before", func(t *testing.T) {
		clock := clocktest.New()
		s := serve(t, func(cfg *ws.Config) { cfg.Now, cfg.PushWindow = clock.Now, 20*time.Millisecond })
		room := s.NewFanout()
		old := wstest.Dial(t, s.addr)
		room.Add(wstest.Receive(t, s.peers, "the connection").conn)
		makeBusy(t, clock, room, old)
		var late []*wstest.Client
		var conns []*ws.Conn
		for range 4 { // enough connections that every shard has some
			late = append(late, wstest.Dial(t, s.addr))
			conns = append(conns, wstest.Receive(t, s.peers, "the connection").conn)
		}
		room.Push(ws.TextFrame([]byte("first")))
		old.ExpectText("first")
		room.Push(ws.TextFrame([]byte("before"))) // waits, and the gauge with it; a gauge alone would be written at once
		room.Push(ws.LatestFrame([]byte("gauge 1"), "gauge"))
		for _, conn := range conns {
			room.Add(conn)
			room.Add(conn) // adding a connection again has no effect
		}
		if n := room.Len(); n != 5 {
			t.Errorf("Len = %d, want 5", n)
		}
		room.Push(ws.LatestFrame([]byte("gauge 2"), "gauge"))
		room.Push(ws.TextFrame([]byte("after")))
		clock.Forward(time.Second)
		for _, c := range late {
			c.ExpectText("gauge 2")
			c.ExpectText("after")
		}
		old.ExpectText("before")
		old.ExpectText("gauge 2")
		old.ExpectText("after")
		room.Push(ws.TextFrame([]byte("next")))
		clock.Forward(time.Second)
		for _, c := range append(late, old) {
			c.ExpectText("next")
		}
	})
	t.Run("sends nothing after Remove", func(t *testing.T) {
		s := serve(t, nil)
		room := s.NewFanout()
		c := wstest.Dial(t, s.addr)
		conn := wstest.Receive(t, s.peers, "the connection").conn
		room.Push(ws.TextFrame([]byte("nobody is here")))
		room.Add(conn)
		room.Push(ws.TextFrame([]byte("one")))
		c.ExpectText("one")
		room.Push(ws.TextFrame([]byte("two")))
		room.Remove(conn)
		room.Remove(conn)
		if n := room.Len(); n != 0 {
			t.Errorf("Len = %d, want 0", n)
		}
		room.Push(ws.TextFrame([]byte("three")))
		conn.Send(ws.TextFrame([]byte("four")))
		_, payload, err := c.ReadFrame()
		if payload == "two" {
			_, payload, err = c.ReadFrame()
		}
		if err != nil || payload != "four" {
			t.Errorf("got %q %v", payload, err)
		}
	})
	t.Run("observes the frames of a flush and the push time", func(t *testing.T) {
		clock := clocktest.New()
		s := serve(t, func(cfg *ws.Config) { cfg.Now, cfg.PushWindow = clock.Now, 20*time.Millisecond })
		room := s.NewFanout()
		c := wstest.Dial(t, s.addr)
		room.Push(ws.TextFrame([]byte("nobody is here")))
		conn := wstest.Receive(t, s.peers, "the connection").conn
		room.Add(conn)
		makeBusy(t, clock, room, c)
		var flushes uint64
		var framesBefore float64
		wstest.Eventually(t, "the flushes are counted", func() bool {
			flushes, framesBefore = observed(t, s.Stats().FlushFrames)
			return framesBefore == manyFrames
		})
		happened := clock.Now().Add(-time.Minute)
		room.Push(ws.TextFrame([]byte("alone")).RecordedAt(happened))
		c.ExpectText("alone")
		wstest.Eventually(t, "the frame is counted", func() bool { n, _ := observed(t, s.Stats().PushSeconds); return n == 1 })
		room.Push(ws.TextFrame([]byte("a reply is no event")))
		room.Push(ws.TextFrame([]byte("one")).RecordedAt(happened))
		room.Push(ws.TextFrame([]byte("two")).RecordedAt(happened))
		clock.Forward(30 * time.Second)
		for _, text := range []string{"a reply is no event", "one", "two"} {
			c.ExpectText(text)
		}
		wstest.Eventually(t, "the flush is counted", func() bool { n, _ := observed(t, s.Stats().FlushFrames); return n == flushes+2 })
		if _, frames := observed(t, s.Stats().FlushFrames); frames != framesBefore+4 {
			t.Errorf("the flushes joined %v frames, want 1 and 3", frames-framesBefore)
		}
		wstest.Eventually(t, "the frames are counted", func() bool { n, _ := observed(t, s.Stats().PushSeconds); return n == 3 })
		if _, seconds := observed(t, s.Stats().PushSeconds); seconds != 60+90+90 {
			t.Errorf("the push times are %v s altogether, want 60 s, 90 s and 90 s", seconds)
		}
	})
	t.Run("keeps the order while connections come and go", func(t *testing.T) {
		s := serve(t, func(cfg *ws.Config) { cfg.PushWindow = time.Millisecond })
		room := s.NewFanout()
		stop := make(chan struct{})
		var pusher sync.WaitGroup
		pusher.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					room.Push(ws.TextFrame(fmt.Append(nil, i)))
				}
				if i%100 == 0 {
					<-time.After(time.Millisecond)
				}
			}
		})
		for range 60 {
			c := wstest.Dial(t, s.addr)
			p := wstest.Receive(t, s.peers, "the connection")
			room.Add(p.conn)
			last := -1
			for range 100 {
				_, payload, err := c.ReadFrame()
				if err != nil {
					t.Fatal(err)
				}
				var i int
				if _, err := fmt.Sscan(payload, &i); err != nil || last >= 0 && i != last+1 {
					t.Fatalf("after frame %d got %q", last, payload)
				}
				last = i
			}
			room.Remove(p.conn)
			_ = c.Conn.Close()
		}
		close(stop)
		pusher.Wait()
	})
}

// manyFrames is the number of frames that makeBusy pushes.
const manyFrames = 1000

// makeBusy pushes many frames at the same time, and waits until c has received them. Frames that are pushed afterwards
// wait, except the first after a silence.
func makeBusy(t *testing.T, clock *clocktest.Clock, room *ws.Fanout, c *wstest.Client) {
	t.Helper()
	for range manyFrames {
		room.Push(ws.TextFrame([]byte("many")))
	}
	clock.Forward(time.Second / 10)
	for range manyFrames {
		c.ExpectText("many")
	}
}

// observed returns the number and the sum of the values in a histogram.
func observed(t *testing.T, h prometheus.Histogram) (count uint64, sum float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(h)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d families: %v, want 1", len(families), err)
	}
	values := families[0].GetMetric()[0].GetHistogram()
	return values.GetSampleCount(), values.GetSampleSum()
}
