package socketio_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"roomlog/domain"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
)

// TestOffsetsMustBeRequested checks that only clients that request recovery receive the cursor of an event. If an event
// has more than one argument, some client libraries pass a list to the handler.
func TestOffsetsMustBeRequested(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live, rose := w.register("streamer").goLive(), w.AddGift("rose", "", 1)
	ann := w.register("ann").credit(100)
	payload := map[string]any{"live_id": live, "gift_id": rose, "data": "hello", "token": ann.Token()}
	w.recovering().joins(w.register("bob"), live) // the live now has both kinds of clients
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			a := w.with(t).app(o)
			for event, pushed := range map[string]string{"joinLive": "online", "comment": "comment", "gift": "gift"} {
				a.Emit(event, payload)
				if got := a.Event(pushed); len(got) != 1 {
					t.Errorf("%s has %d arguments, want 1", pushed, len(got))
				}
			}
		})
	}
	a := w.recovering()
	a.joins(ann, live)
	for _, event := range []string{"comment", "gift"} {
		a.Emit(event, payload)
		if got := a.Event(event); len(got) != 2 {
			t.Errorf("a client that requested recovery got %s with %d arguments, want 2", event, len(got))
		}
	}
}

// TestHandshakeWithoutVersion uses a handshake without a version of the protocol, as clients from before 2021 send it.
func TestHandshakeWithoutVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	for _, polling := range []bool{false, true} {
		a := w.app(siotest.Options{Version: 3, Polling: polling, Query: url.Values{"EIO": nil}})
		a.joins(w.register("ann"+map[bool]string{true: "2"}[polling]), live)
		a.Send("2probe") // the client sends the ping of an upgrade
		for p := a.Next(); p.Text != "3probe"; p = a.Next() {
			if p.Text == "2" {
				t.Fatal("the server pings a client of version 3")
			}
		}
	}
}

func TestAnEndedLiveFreesItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) { c.MaxLivesPerConnection = 2 })
	streamer, ann := w.register("streamer"), w.register("ann")
	old, native := w.app(siotest.Options{Version: 3}), ann.native()
	enter := func() domain.LiveID {
		live := streamer.goLive()
		old.joins(ann, live)
		native.ask("room.join", map[string]any{"live": live})
		return live
	}
	first, second := enter(), enter()
	for range 3 { // each connection takes the slot of the previous one
		streamer.Asks(domain.ChangeLiveStatus{Live: first, To: domain.LiveStop})
		first, second = second, enter()
	}
	if lives := w.server.Lives(); lives != 2 {
		t.Errorf("the server keeps %d lives, want 2", lives)
	}
	old.Emit("joinLive", map[string]any{"live_id": streamer.goLive(), "token": ann.Token()})
	old.refused("操作太频繁，请稍后再试")
}

func TestLineBreaksAndTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *socketio.Config, _ *roomsConfig) { c.GuestChat = true })
	live, ann := w.register("streamer").goLive(), w.register("ann")
	const typed, stored, shown = "first\r\n\tsecond\rthird\n", "first\n\tsecond\nthird", "first  second third"

	a, native := w.app(siotest.Options{Version: 3}), ann.native()
	a.joins(ann, live)
	native.ask("room.join", map[string]any{"live": live})
	a.Emit("comment", map[string]any{"live_id": live, "data": typed, "token": ann.Token()})
	if got, _ := push[comment](a, "comment"); got.Content != shown {
		t.Errorf("the comment is %q, want %q", got.Content, shown)
	}
	if f := native.nextFrame(func(f frame) bool { return f.Type == "comment" }); !strings.Contains(string(f.Data), `"first\n\tsecond\nthird"`) {
		t.Errorf("native clients get %s", f.Data)
	}
	if all := events[domain.CommentPosted](w); len(all) != 1 || all[0].Text != stored {
		t.Errorf("the log has %+v, want one comment %q", all, stored)
	}

	w.chatRoom("lines")
	sender := w.attends(siotest.Options{Version: 3}, "lines")
	receiver := w.attends(siotest.Options{Version: 3}, "lines", sender)
	sender.Emit("exchange", says("群聊", typed))
	if got, _ := push[exchanged](receiver, "群聊"); string(got.Data.Payload) != `{"msg":"first\n\tsecond\nthird"}` {
		t.Errorf("exchanged %s", got.Data.Payload)
	}

	zoe := w.called(siotest.Options{Version: 3}, "zoe\r\n")
	zoe.Emit("message", typed)
	zoe.expectMessage("zoe", stored)
	zoe.Emit("message", "@zoe\n"+typed)
	zoe.expectMessage("zoe", stored)
}

func TestProfilesArePushedToLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer, ann := w.register("streamer"), w.register("ann")
	live, other := streamer.goLive(), streamer.goLive()
	sees, recovers, elsewhere := w.app(siotest.Options{Version: 3}), w.recovering(), w.app(siotest.Options{})
	sees.joins(ann, live)
	recovers.joins(w.register("bob"), live)
	elsewhere.joins(w.register("cat"), other)
	ann.native().ask("profile.change", map[string]any{"nickname": "安", "avatar": "https://cdn.example/a.png"})
	var offset string
	for _, a := range []*app{sees, recovers} {
		var got who
		if got, offset = push[who](a, "profile"); got != (who{ann.ID, "安", "https://cdn.example/a.png"}) || (offset != "") != (a == recovers) {
			t.Errorf("got the profile %+v with offset %q", got, offset)
		}
	}
	elsewhere.silent()

	recovers.Cut()
	changed := ann.Asks(domain.ChangeProfile{Avatar: new("")})
	back := w.back(recovers, offset)
	if back.id != recovers.id {
		t.Fatalf("came back as %s, want %s", back.id, recovers.id)
	}
	if got, again := push[who](back, "profile"); got != (who{ann.ID, "安", ""}) || again == offset {
		t.Errorf("got the profile %+v with offset %q at position %d", got, again, changed.Position)
	}
	if l := back.online("join", "bob"); !slices.Contains(l.Data, who{ann.ID, "安", ""}) {
		t.Errorf("the list is %+v", l)
	}
	back.silent()
}

// TestReportsOfOldClients plays what users of other servers reported about old clients; docs/REALTIME.md lists the reports.
func TestReportsOfOldClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	unnamed := url.Values{"EIO": nil}
	t.Run("a client that names no version keeps version 3 after its upgrade", func(t *testing.T) {
		a := w.with(t).app(siotest.Options{Version: 3, Mute: true, Polling: true, Query: unnamed})
		a.joins(w.register("upgraded"), live)
		a.Upgrade()
		a.Send("2")
		for p := a.Next(); p.Text != "3"; p = a.Next() {
			if p.Text == "2" {
				t.Fatal("the server pings a client of version 3")
			}
		}
		a.Emit("test")
		a.Event(a.id)
	})
	t.Run("a client emits before it has read that it is connected", func(t *testing.T) {
		c := siotest.Dial(w.with(t), w.base, siotest.Options{Version: 3, Query: unnamed})
		c.Emit("test")
		c.Connect()
		if got := string(c.Event(c.SID())[0]); got != `"啊啊啊"` {
			t.Errorf("the reply is %s", got)
		}
	})
	t.Run("a namespace with a query is refused by its name alone, and the session goes on", func(t *testing.T) {
		a := w.with(t).app(siotest.Options{Version: 3})
		a.Send("40/chat?token=x,")
		a.Expect(`44/chat,"Invalid namespace"`)
		a.nothing()
	})
	t.Run("a token with characters of base64 in the query arrives whole", func(t *testing.T) {
		ann := w.register("queried")
		for _, name := range []string{"+/==", "%2B"} {
			a := w.with(t).app(siotest.Options{Version: 3, Query: url.Values{"token": {"Bearer " + ann.Token()}, "sign": {name}}})
			if got := string(a.Event("message")[0]); got != `"hello"` {
				t.Errorf("the greeting is %s", got)
			}
			ann.credit(5)
			a.Event("message") // the balance
		}
	})
	t.Run("a client connects to the default namespace although it is connected", func(t *testing.T) {
		a := w.with(t).app(siotest.Options{Version: 3})
		a.Send("40")
		a.nothing()
	})
	t.Run("a WebSocket handshake with the headers of Firefox and of proxies", func(t *testing.T) {
		for _, headers := range []string{"Connection: keep-alive, Upgrade\r\nUpgrade: websocket", "Connection: upgrade\r\nUpgrade: WebSocket"} {
			conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(w.base, "http://"), socketio.Path))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET %s?EIO=3&transport=websocket HTTP/1.1\r\nHost: x\r\n%s\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: IHfMdf8a0aQXbwQO1pkGdA==\r\n\r\n", socketio.Path, headers)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if accept := response.Header.Get("Sec-WebSocket-Accept"); response.StatusCode != http.StatusSwitchingProtocols || accept != "aWAY+V/uyz5ILZEoWuWdxjnlb7E=" {
				t.Errorf("with %q, the response is %s with %q", headers, response.Status, accept)
			}
		}
	})
	polls := func(t *testing.T, name string, encode func(string) string) {
		p := w.with(t).polls()
		text := encode(`42["comment",` + p.comment(w.register(name), live, "🎉 Brüder") + `]`)
		p.request(http.MethodPost, fmt.Sprintf("%d:%s", len(utf16.Encode([]rune(text))), text))
		want := `"content":"\ud83c\udf89 Br\u00fcder"`
		for body := ""; !strings.Contains(body, want); {
			status, kind, got := p.request(http.MethodGet, "")
			if status != http.StatusOK || kind != "text/plain; charset=UTF-8" {
				t.Fatalf("got %d %s %q", status, kind, got)
			}
			for rest := got; rest != ""; { // each packet has its length before it
				length, after, _ := strings.Cut(rest, ":")
				n, err := strconv.Atoi(length)
				units := utf16.Encode([]rune(after))
				if err != nil || n > len(units) {
					t.Fatalf("the lengths of %q do not fit", got)
				}
				body += string(utf16.Decode(units[:n]))
				rest = string(utf16.Decode(units[n:]))
			}
		}
	}
	t.Run("a client that polls without b64 gets text; its own lengths count UTF-16 code units", func(t *testing.T) {
		polls(t, "poller", func(text string) string { return text })
	})
	t.Run("a client of Socket.IO 1 that polls sends the bytes of UTF-8 as characters", func(t *testing.T) {
		polls(t, "first", func(text string) string {
			var octets []rune
			for _, b := range []byte(text) {
				octets = append(octets, rune(b))
			}
			return string(octets)
		})
	})
	declares4 := url.Values{"EIO": {"4"}, "t": {"1604300000"}} // older servers did not read the version
	t.Run("the official C++ client before version 2, which declares version 4 and waits until it is connected", func(t *testing.T) {
		a := w.with(t).app(siotest.Options{Version: 3, Mute: true, Query: declares4, Header: http.Header{"User-Agent": {"WebSocket++/0.8.2"}}})
		a.joins(w.register("cpp"), live)
		a.Send("2")
		for p := a.Next(); p.Text != "3"; p = a.Next() {
			if p.Text == "2" {
				t.Fatal("the server pings a client of version 3")
			}
		}
		a.Emit("test")
		a.Event(a.id)
	})
	t.Run("the official C++ client since version 2, whose CONNECT comes late", func(t *testing.T) {
		for _, connect := range []string{"40", `40{"token":"x"}`} {
			c := siotest.Dial(w.with(t), w.base, siotest.Options{Version: 3, Query: declares4, Header: http.Header{"User-Agent": {"WebSocket++/0.8.2"}}})
			c.Connect() // the server presumes version 3
			c.Send(connect)
			p := c.Next()
			for strings.HasPrefix(p.Text, "42") { // what the first socket received
				p = c.Next()
			}
			found := regexp.MustCompile(`^40\{"sid":"([^"]+)"`).FindStringSubmatch(p.Text)
			if found == nil {
				t.Fatalf("the late %s is answered with %q, want the id of a socket", connect, p.Text)
			}
			c.Emit("test")
			c.Event(found[1])
			c.Send("40") // a second one is a fault in version 5 of the protocol
			c.Ended()
		}
	})
	t.Run("a microcontroller that declares version 4 and sends pings and events although it is not connected", func(t *testing.T) {
		for _, first := range []string{"2", `42["test"]`, `420["test"]`} {
			c := siotest.Dial(w.with(t), w.base, siotest.Options{Version: 3, Mute: true, Query: declares4})
			c.Send(first)
			if first == "2" {
				for p := c.Next(); p.Text != "3"; p = c.Next() { // The response and the CONNECT may come in any order.
					if p.Text != "40" {
						t.Fatalf("got %q", p.Text)
					}
				}
				c.Emit("test")
			} else {
				c.Connect()
			}
			if got := string(c.Event(c.SID())[0]); got != `"啊啊啊"` {
				t.Errorf("after %q, the reply is %s", first, got)
			}
		}
	})
	t.Run("a microcontroller that polls once and sends probe, upgrade and CONNECT without waiting", func(t *testing.T) {
		for _, version := range []string{"3", "4"} {
			address := w.base + "?EIO=" + version + "&transport=polling"
			opening, err := http.Get(address)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(opening.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = opening.Body.Close()
			found := regexp.MustCompile(`"sid":"([^"]+)"`).FindSubmatch(body)
			if found == nil {
				t.Fatalf("opened with %q", body)
			}
			c := siotest.Join(w.with(t), address+"&sid="+string(found[1]))
			for _, packet := range []string{"2probe", "5", "40/", `42["test"]`} {
				c.Send(packet)
			}
			for p := c.Next(); !strings.Contains(p.Text, "啊啊啊"); p = c.Next() {
				if p.Text != "3probe" && !strings.HasPrefix(p.Text, "40") {
					t.Fatalf("version %s: got %q", version, p.Text)
				}
			}
		}
	})
	t.Run("a Python client that polls and declares octets in version 4", func(t *testing.T) {
		a := w.with(t).app(siotest.Options{Version: 4, Polling: true})
		if status, body := a.Do(http.MethodPost, a.Address("polling", a.SID()), `42["test"]`, http.Header{"Content-Type": {"application/octet-stream"}}); status != http.StatusOK {
			t.Fatalf("got %d %s", status, body)
		}
		a.Event(a.id)
	})
	t.Run("a Rust client that sends a binary event as an acknowledgement stays connected", func(t *testing.T) {
		for _, version := range []int{3, 4} {
			a := w.with(t).app(siotest.Options{Version: version})
			a.Send(`461-958["pplong",{"_placeholder":true,"num":0}]`)
			a.SendBytes([]byte{0, 1, 3})
			a.Emit("test")
			a.Event(a.id)
		}
	})
	t.Run("a client connects to a namespace without a comma", func(t *testing.T) {
		a := w.with(t).app(siotest.Options{Version: 3})
		a.Send("40" + namespace)
		a.Expect("40" + namespace + ",")
		a.Send("41" + namespace)
		a.Emit("test")
		a.Event(a.id)
	})
	t.Run("a client that polls again after it has closed its session may connect anew", func(t *testing.T) {
		p := w.with(t).polls()
		if status, _, body := p.request(http.MethodPost, "1:1"); status != http.StatusOK || body != "ok" {
			t.Errorf("closing is answered with %d %q", status, body)
		}
		if status, _, body := p.request(http.MethodGet, ""); status != http.StatusOK || body != "1:6" {
			t.Errorf("the poll that follows is answered with %d %q", status, body)
		}
		if status, _, body := p.request(http.MethodGet, ""); status != http.StatusBadRequest || strings.TrimSpace(body) != `{"code":1,"message":"Session ID unknown"}` {
			t.Errorf("polling is then answered with %d %q", status, body)
		}
		w.with(t).polls()
	})
}

// rawPoller is a client of version 3 whose requests a test makes. It does not ask for base64.
type rawPoller struct {
	*world
	address string
}

// polls opens a session and returns it when the server has sent that the socket is connected.
func (w *world) polls() rawPoller {
	w.Helper()
	p := rawPoller{w, w.base + "?EIO=3&transport=polling"}
	status, kind, body := p.request(http.MethodGet, "")
	found := regexp.MustCompile(`^\d+:0\{"sid":"([^"]+)"`).FindStringSubmatch(body)
	if status != http.StatusOK || kind != "text/plain; charset=UTF-8" || found == nil {
		w.Fatalf("opened with %d %s %q", status, kind, body)
	}
	p.address += "&sid=" + found[1]
	if !strings.HasSuffix(body, "2:40") {
		p.request(http.MethodGet, "")
	}
	return p
}

// request sends a request and returns the status, the type and the body of the response.
func (p rawPoller) request(method, body string) (status int, kind, response string) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, p.address, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		p.Fatal(err)
	}
	return a.StatusCode, a.Header.Get("Content-Type"), string(b)
}

// comment returns the argument of a comment.
func (p rawPoller) comment(by person, live domain.LiveID, text string) string {
	p.Helper()
	b, err := json.Marshal(map[string]any{"live_id": live, "token": by.Token(), "data": text})
	if err != nil {
		p.Fatal(err)
	}
	return string(b)
}
