package engineio_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"roomlog/internal/clocktest"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

const (
	pingInterval = 200 * time.Millisecond
	pingTimeout  = 300 * time.Millisecond
)

// startWithHeartbeat starts an engine with short ping times and its own clock.
func startWithHeartbeat(t *testing.T) (*host, *clocktest.Clock) {
	t.Helper()
	clock := clocktest.New()
	return serve(t, func(c *engineio.Config, _ *host) {
		c.Now, c.Sockets.PushWindow = clock.Now, -1
		c.Sockets.PingInterval, c.PingTimeout = pingInterval, pingTimeout
	}), clock
}

func TestServerPingsInVersion4(t *testing.T) {
	t.Parallel()
	for _, polling := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			h, clock := startWithHeartbeat(t)
			c, _ := h.dial(t, siotest.Options{Version: 4, Polling: polling, Mute: true})
			for range 10 {
				clock.Forward(pingInterval - 1)
				c.Send("4no ping yet")
				c.Expect("4no ping yet")
				clock.Forward(1)
				c.Expect("2")
				c.Send("3")
				c.Send("4after the pong")
				c.Expect("4after the pong")
			}
		})
	}
}

func TestClientPingsInVersion3(t *testing.T) {
	t.Parallel()
	for _, polling := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			h, clock := startWithHeartbeat(t)
			c, _ := h.dial(t, siotest.Options{Version: 3, Polling: polling, Mute: true})
			for range 10 {
				clock.Forward(pingInterval + pingTimeout - 1)
				c.Send("2你好")
				c.Expect("3你好")
			}
		})
	}
}

func TestSilentSessionsAreEnded(t *testing.T) {
	t.Parallel()
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		o.Mute = true
		h, clock := startWithHeartbeat(t)
		c, s := h.dial(t, o)
		clock.Forward(pingInterval + pingTimeout)
		if why := wstest.Receive(t, s.closed, "the end"); why != "ping timeout" {
			t.Errorf(`ended with %s, want "ping timeout"`, why)
		}
		c.Ended()
	})
}

// TestDeadlineHoldsWithoutAnyCheck checks that a poll after the deadline finds the session ended even if no check ran
// in between.
func TestDeadlineHoldsWithoutAnyCheck(t *testing.T) {
	t.Parallel()
	clock := clocktest.New()
	h := serve(t, func(c *engineio.Config, _ *host) {
		c.Now = clock.Now
		c.Sockets.PingInterval, c.PingTimeout, c.SettleTimeout = time.Hour, time.Hour, 10*time.Hour
	})
	for _, version := range []string{"3", "4"} {
		for _, late := range []bool{false, true} {
			_, body := get(t, http.MethodGet, h.base+"?b64=1&transport=polling&EIO="+version, "", nil)
			_, id, _ := strings.Cut(body, `"sid":"`)
			id = id[:20]
			clock.Forward(2*time.Hour - time.Nanosecond)
			want := http.StatusOK
			if late {
				clock.Forward(time.Nanosecond)
				want = http.StatusBadRequest
			}
			packet := map[string]string{"3": "2:4x", "4": "4x"}[version]
			if status, answer := get(t, http.MethodPost, h.base+"?b64=1&transport=polling&EIO="+version+"&sid="+id, packet, nil); status != want {
				t.Errorf("version %s, late %v: %d %s after %s, want %v", version, late, status, answer, body, want)
			}
		}
	}
}

// TestSessionIsNotSilentWhileItsMessageIsHandled checks that a client is not silent while its message is being handled.
func TestSessionIsNotSilentWhileItsMessageIsHandled(t *testing.T) {
	t.Parallel()
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		o.Mute = o.Version == 3 // its pings would show that the client is not silent
		h, clock := startWithHeartbeat(t)
		c, s := h.dial(t, o)
		handling, goOn := make(chan struct{}), make(chan struct{})
		s.onMessage = func(text string) {
			close(handling)
			select {
			case <-goOn:
			case <-t.Context().Done():
			}
			s.say(text)
		}
		go c.Send("4slow") // The POST gets its response when the message has been handled.
		wstest.Receive(t, handling, "the message")
		for range 2 { // When the second silent session has ended, every session has been checked after the deadline.
			_, silent := h.dial(t, siotest.Options{Version: 3, Mute: true})
			clock.Forward(pingInterval + pingTimeout)
			if why := wstest.Receive(t, silent.closed, "the end of a silent session"); why != "ping timeout" {
				t.Errorf(`ended with %s, want "ping timeout"`, why)
			}
		}
		close(goOn)
		c.Expect("4slow")
	})
}

func TestSettleTimeout(t *testing.T) {
	t.Parallel()
	unsettled := make(chan *engineio.Session, 10)
	h := serve(t, func(c *engineio.Config, _ *host) {
		c.SettleTimeout = 300 * time.Millisecond
		c.Open = func(s *engineio.Session) engineio.Handler {
			unsettled <- s
			return &session{Session: s, closed: make(chan string, 1)}
		}
	})
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		c := siotest.Dial(t, h.base, o)
		wstest.Receive(t, unsettled, "the session")
		c.Ended()
	})
}

// TestClientsThatDeclareAnotherVersion plays clients that declare version 4 in the handshake, but speak version 3. Older
// servers did not read the declaration.
func TestClientsThatDeclareAnotherVersion(t *testing.T) {
	t.Parallel()
	version3 := func(t *testing.T, clock *clocktest.Clock, c *siotest.Client, s *session) {
		t.Helper()
		wstest.Receive(t, s.downgraded, "the downgrade")
		for range 5 { // The server sends no pings.
			clock.Forward(pingInterval + pingTimeout - 1)
			c.Send("2")
			c.Expect("3")
		}
		c.SendBytes([]byte("bytes"))
		if p := c.Next(); string(p.Bytes) != "\x04bytes" {
			t.Errorf("got %q %q, want the bytes after their type", p.Text, p.Bytes)
		}
	}
	declares4 := func(userAgent string) siotest.Options {
		return siotest.Options{Version: 3, Mute: true, Query: url.Values{"EIO": {"4"}, "t": {"1604300000"}}, Header: http.Header{"User-Agent": {userAgent}}}
	}
	const cpp = "WebSocket++/0.8.2"
	t.Run("a client sends a ping", func(t *testing.T) {
		h, clock := startWithHeartbeat(t)
		c, s := h.dial(t, declares4(""))
		clock.Forward(pingInterval)
		c.Expect("2") // The client ignores the ping of version 4.
		c.Send("2")
		c.Expect("3")
		version3(t, clock, c, s)
	})
	slowly := func(c *engineio.Config, clock *clocktest.Clock) {
		c.Now, c.Sockets.PushWindow = clock.Now, -1
		c.Sockets.PingInterval, c.PingTimeout = pingInterval, 3*time.Second
	}
	t.Run("the official C++ client waits for the server", func(t *testing.T) {
		clock := clocktest.New()
		h := serve(t, func(c *engineio.Config, _ *host) { slowly(c, clock) })
		c, s := h.dial(t, declares4(cpp))
		clock.Forward(pingInterval)
		c.Expect("2")
		clock.Forward(2*time.Second - pingInterval)
		version3(t, clock, c, s)
	})
	for name, userAgent := range map[string]string{"a newer C++ client sends a message in time": cpp, "another client waits": "okhttp/4.9.0"} {
		t.Run(name, func(t *testing.T) {
			clock := clocktest.New()
			h := serve(t, func(c *engineio.Config, _ *host) { slowly(c, clock) })
			c, s := h.dial(t, declares4(userAgent))
			if userAgent == cpp {
				c.Send("4first")
				c.Expect("4first")
			}
			clock.Forward(pingInterval)
			c.Expect("2")
			clock.Forward(2*time.Second - pingInterval)
			c.Send("3")
			c.Send("4after the pong")
			c.Expect("4after the pong")
			clock.Forward(pingInterval)
			c.Expect("2")
			if s.Version() != engineio.V4 {
				t.Errorf("the version is %d", s.Version())
			}
		})
	}
}

// TestPollingClientsKeepTheirVersion checks that a ping over polling does not change the version, which the payloads show.
func TestPollingClientsKeepTheirVersion(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	p := h.poller(t, "4")
	if p.Downgrade() {
		t.Error("a session that polls was downgraded")
	}
	get(t, http.MethodPost, p.address, "2", nil)
	if why := wstest.Receive(t, p.closed, "the end"); why != "transport error" {
		t.Errorf(`ended with %s, want "transport error"`, why)
	}
}
