package native_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// BenchmarkFigureGiftStorm sends a thousand gifts per second in a live with a thousand viewers, with durable commits.
// It measures the time from sending a gift until its push is read. Server and clients run in one process.
func BenchmarkFigureGiftStorm(b *testing.B) {
	const givers, rate, seconds, accounts, warm = 50, 1000, 5, 50, 2
	for b.Loop() {
		w := openWorld(b, pgtest.Server(b, pgtest.Durable).Open(), true, func(c *config) {
			c.MaxConnectionsPerUser = -1
			c.Sockets = ws.Config{FrameRate: -1} // with the settings of roomlog serve, except the frame rate
		})
		rose := w.AddGift("rose", "", 1)
		live := w.register("streamer").goLive("x")
		people := make([]person, accounts+givers)
		for i := range people {
			people[i] = w.register(fmt.Sprintf("viewer%d", i)).credit(1e6)
		}
		s := &storm{sent: make(map[int64]time.Time), seen: make(map[int64][]time.Time)}
		next := make(chan person, viewers)
		for i := range viewers {
			next <- people[i%accounts]
		}
		clients := gather(b, viewers, s.push, func(v *rawClient) error {
			v.begins = `{"type":"gift"`
			return v.enterRoom((<-next).Token(), int64(live))
		}, w.addr)
		var giving sync.WaitGroup
		for _, p := range people[accounts:] {
			giving.Go(func() { s.give(p, live, rose, rate/givers, warm+seconds) })
		}
		giving.Wait()
		clients.await(rate * (warm + seconds))
		clients.leave()
		took := s.took(rate * warm)
		if len(took) != probes*rate*seconds {
			b.Errorf("%d pushes were looked at, want %d", len(took), probes*rate*seconds)
		}
		b.Logf("p50 %.1f ms, p90 %.1f ms, p99 %.1f ms", percentile(took, 50), percentile(took, 90), percentile(took, 99))
		b.ReportMetric(percentile(took, 99), "gifts_1000_push_p99_ms")
	}
}

// enterRoom sends hello and joins the live.
func (w *rawClient) enterRoom(token string, live int64) error {
	hello, _ := json.Marshal(map[string]any{"id": "h", "type": "hello", "data": map[string]any{"token": token}})
	join, _ := json.Marshal(map[string]any{"id": "j", "type": "room.join", "data": map[string]any{"live": live}})
	if err := w.upgrade("/ws", ""); err != nil {
		return err
	}
	if _, err := w.conn.Write(append(wstest.MaskedFrame(wstest.Fin|wstest.OpText, string(hello)), wstest.MaskedFrame(wstest.Fin|wstest.OpText, string(join))...)); err != nil {
		return err
	}
	for {
		_, payload, err := w.frame()
		if err != nil {
			return err
		}
		var answer struct{ Re, Type string }
		if err := json.Unmarshal(payload, &answer); err != nil || answer.Type == "error" {
			return fmt.Errorf("the server replied with %s: %w", payload, err)
		}
		if answer.Re == "j" {
			return nil
		}
	}
}

// storm records when gifts were sent and when they were received, by position.
type storm struct {
	mu   sync.Mutex
	sent map[int64]time.Time
	seen map[int64][]time.Time
}

// push records that a gift was received.
func (s *storm) push(text []byte) time.Time {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	pos := number(text, `"pos":`)
	s.seen[pos] = append(s.seen[pos], now)
	return now
}

// give sends gifts at a rate over one connection, without waiting for replies.
func (s *storm) give(p person, live, gift any, rate, seconds int) {
	a := p.app() // not in the live: it reads only replies
	sent := make([]time.Time, rate*seconds)
	var answers sync.WaitGroup
	answers.Go(func() {
		for n := 0; n < len(sent); {
			m, err := a.tryRead()
			switch {
			case err != nil:
				p.Errorf("%s: %v", p.Name, err)
				return
			case m.Re == "":
				continue
			case m.Type != "ok":
				p.Errorf("%s", m.raw)
				return
			}
			var i int
			if _, err := fmt.Sscanf(m.Re, "g%d", &i); err != nil {
				continue
			}
			n++
			s.mu.Lock()
			s.sent[number([]byte(m.raw), `"pos":`)] = sent[i]
			s.mu.Unlock()
		}
	})
	start := time.Now()
	for i := range sent {
		<-time.After(time.Until(start.Add(time.Second * time.Duration(i) / time.Duration(rate))))
		sent[i] = time.Now()
		f, _ := json.Marshal(map[string]any{"id": fmt.Sprintf("g%d", i), "type": "gift.send", "data": map[string]any{"live": live, "gift": gift, "num": 1}})
		a.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpText, string(f))...)
		if i%100 == 99 {
			a.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpText, `{"type":"ack","data":{"cursor":"0"}}`)...)
		}
	}
	answers.Wait()
}

// took returns the latencies of all gifts except the first, shortest first.
func (s *storm) took(skip int) (all []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var positions []int64
	for pos := range s.sent {
		positions = append(positions, pos)
	}
	slices.Sort(positions)
	for _, pos := range positions[skip:] {
		for _, seen := range s.seen[pos] {
			all = append(all, seen.Sub(s.sent[pos]))
		}
	}
	slices.Sort(all)
	return all
}
