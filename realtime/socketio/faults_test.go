package socketio_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"roomlog/domain"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// TestPublicIDsOpenNoSession checks that the public id of a client can be used neither for requests of its Engine.IO
// session nor for an upgrade of it.
func TestPublicIDsOpenNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	watcher := w.app(siotest.Options{})
	watcher.joins(w.register("watcher"), live)
	var victims []*app
	var people []person
	for name, o := range siotest.Kinds() {
		p, a := w.register(name), w.app(o)
		a.joins(p, live)
		victims, people = append(victims, a), append(people, p)
		if o.Polling {
			p, a := w.register("upgraded "+name), w.app(o)
			a.Upgrade()
			a.joins(p, live)
			victims, people = append(victims, a), append(people, p)
		}
	}
	upgrade := http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"IHfMdf8a0aQXbwQO1pkGdA=="}}
	ids := map[string]bool{}
	for len(ids) < 1+len(victims) {
		l, _ := push[listed](watcher, "online")
		for _, id := range l.Clients {
			ids[id] = true
		}
	}
	for id := range ids {
		for _, version := range []int{3, 4} {
			forged := `42["comment",{"live_id":` + fmt.Sprint(live) + `,"data":"forged"}]`
			if version == 3 {
				forged = fmt.Sprintf("%d:%s", len(forged), forged)
			}
			address := fmt.Sprintf("%s?EIO=%d&transport=polling&b64=1&sid=%s", w.base, version, id)
			for method, body := range map[string]string{http.MethodGet: "", http.MethodPost: forged} {
				if status, text := watcher.Do(method, address, body, nil); status != http.StatusBadRequest {
					t.Errorf("%s with the id %s gets the response %d %s, want %v", method, id, status, text, http.StatusBadRequest)
				}
			}
			// An upgrade must be refused, or be closed before any message.
			address = strings.Replace(address, "polling", "websocket", 1)
			if status, text := watcher.Do(http.MethodGet, address, "", upgrade); status != http.StatusBadRequest &&
				(status != http.StatusSwitchingProtocols || !strings.Contains(text, "not an upgrade")) {
				t.Errorf("an upgrade with the id %s gets the response %d %q", id, status, text)
			}
		}
	}
	for i, a := range victims {
		a.Emit("comment", map[string]any{"live_id": live, "data": "mine", "token": people[i].Token()})
		for {
			s, _ := push[comment](a, "comment")
			if s.Content != "mine" {
				t.Fatalf(`somebody said %q, want "mine"`, s.Content)
			}
			if s.User.ID == people[i].ID {
				break
			}
		}
	}
}

// TestTextsAreNotEscaped checks that texts are sent as they came, because clients escape them: markup, right-to-left
// letters, and emoji of several code units.
func TestTextsAreNotEscaped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	watching := map[string]*app{}
	for name, o := range siotest.Kinds() {
		watching[name] = w.app(o)
		watching[name].joins(w.register(name), live)
	}
	ann := w.register("ann")
	a := w.app(siotest.Options{Version: 3, Polling: true})
	for _, text := range []string{
		`<img src=x onerror="alert(1)">`, "</script><!--", "&lt;b&gt;", "שלום עולם", "مرحبا \u202eabc\u202c", "👨‍👩‍👧‍👦🏳️‍🌈", "😀1:4x",
		"a\u2028b", `"\u0041"`, "1-/nsp,[\"x\"]", `{"_placeholder":true,"num":0}`,
	} {
		a.Emit("comment", map[string]any{"live_id": live, "data": text, "token": ann.Token()})
		for name, c := range watching {
			if s, _ := push[comment](c, "comment"); s.Content != text {
				t.Errorf("%s: %q came as %q, want %v", name, text, s.Content, text)
			}
		}
	}
}

// TestStalledReaderInABusyLive checks that a stalled reader is disconnected, that the others receive everything, and
// that memory stays bounded.
func TestStalledReaderInABusyLive(t *testing.T) {
	t.Parallel()
	const queue, stalled, flood = 64 << 10, 4, 400 // the queue is large enough for one flush
	w := newWorld(t, func(c *socketio.Config, _ *roomsConfig) {
		c.Engine.Sockets.QueueBytes, c.Engine.Sockets.SendBuffer = queue, 8<<10
	})
	live, rose := w.register("streamer").goLive(), w.AddGift("rose", "/uploads/"+strings.Repeat("r", 400), 1)
	rich := w.register("rich").credit(flood)
	reader := w.app(siotest.Options{Version: 3})
	reader.joins(w.register("reader"), live)
	for i := range stalled {
		w.stall(w.register(fmt.Sprint("stalled", i)), live)
	}
	wstest.Eventually(t, "all users are in the live", func() bool { return len(events[domain.ViewerJoined](w)) == 1+stalled })
	most := int64(0)
	ahead := make(chan struct{}, 40) // gifts that the reader may still have to read
	var giving sync.WaitGroup
	t.Cleanup(giving.Wait)
	for range 8 {
		giving.Go(func() {
			for range flood / 8 {
				select {
				case ahead <- struct{}{}:
				case <-t.Context().Done(): // the reader has failed
					return
				}
				rich.Asks(domain.SendGift{Live: live, Gift: rose, Num: 1})
			}
		})
	}
	for range flood {
		push[given](reader, "gift")
		<-ahead
		most = max(most, w.server.Stats().QueuedBytes.Load())
	}
	wstest.Eventually(t, "the stalled readers are disconnected", func() bool { return w.server.Stats().ClosedSlow.Load() == stalled })
	wstest.Eventually(t, "the participant has left", func() bool { return len(events[domain.ViewerLeft](w)) == stalled })
	if limit := int64((stalled + 1) * (2*queue + 64<<10)); most > limit {
		t.Errorf("%d bytes waited, more than %d", most, limit)
	}
}

// stall joins a live on a connection from which it does not read afterwards.
func (w *world) stall(p person, live domain.LiveID) {
	w.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(w.base, "http://"), socketio.Path)
	conn, err := net.Dial("tcp", host)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(8 << 10)
	fmt.Fprintf(conn, "GET %s?EIO=3&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: IHfMdf8a0aQXbwQO1pkGdA==\r\n\r\n", socketio.Path)
	text := fmt.Appendf(nil, `42["joinLive",{"live_id":%d,"token":%q}]`, live, p.Token())
	header := []byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text)), 0, 0, 0, 0} // masked with zeros
	if _, err := conn.Write(slices.Concat(header, text)); err != nil {
		w.Fatal(err)
	}
}
