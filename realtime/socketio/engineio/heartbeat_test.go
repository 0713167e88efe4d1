package engineio_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/siotest"
)

// quick sets heartbeats that are short for a test and long enough for a loaded machine.
func quick(c *engineio.Config, _ *host) {
	c.Sockets.PingInterval, c.PingTimeout = 200*time.Millisecond, 300*time.Millisecond
}

func TestServerPingsInVersion4(t *testing.T) {
	t.Parallel()
	h := serve(t, quick)
	for _, polling := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			c, _ := h.dial(t, siotest.Options{Version: 4, Polling: polling, Mute: true})
			began := time.Now()
			for range 4 {
				c.Expect("2")
				c.Send("3")
			}
			if took := time.Since(began); took < 4*200*time.Millisecond {
				t.Errorf("4 pings took %v", took)
			}
		})
	}
}

func TestClientPingsInVersion3(t *testing.T) {
	t.Parallel()
	h := serve(t, quick)
	for _, polling := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			c, _ := h.dial(t, siotest.Options{Version: 3, Polling: polling})
			for began := time.Now(); time.Since(began) < time.Second; {
				c.Send("2你好")
				c.Expect("3你好")
				<-time.After(100 * time.Millisecond)
			}
		})
	}
}

func TestSilentSessionsAreEnded(t *testing.T) {
	t.Parallel()
	h := serve(t, quick)
	each(t, func(t *testing.T, o siotest.Options) {
		o.Mute = true
		began := time.Now()
		c, s := h.dial(t, o)
		if why := receive(t, s.closed, "the end"); why != "ping timeout" {
			t.Errorf("ended with %s", why)
		}
		if took := time.Since(began); took < 490*time.Millisecond {
			t.Errorf("ended after %v only, want 500 ms", took)
		}
		c.Ended()
	})
}

// A deadline is a point in time: a poll after it finds the session ended, also when no check ran in between.
func TestDeadlineHoldsWithoutAnyCheck(t *testing.T) {
	t.Parallel()
	clock := newClock()
	h := serve(t, func(c *engineio.Config, _ *host) {
		c.Now = clock.now
		c.Sockets.PingInterval, c.PingTimeout, c.SettleTimeout = time.Hour, time.Hour, 10*time.Hour
	})
	for _, version := range []string{"3", "4"} {
		for _, late := range []bool{false, true} {
			_, body := get(t, http.MethodGet, h.base+"?b64=1&transport=polling&EIO="+version, "", nil)
			_, id, _ := strings.Cut(body, `"sid":"`)
			id = id[:20]
			clock.forward(2*time.Hour - time.Nanosecond)
			want := http.StatusOK
			if late {
				clock.forward(time.Nanosecond)
				want = http.StatusBadRequest
			}
			packet := map[string]string{"3": "2:4x", "4": "4x"}[version]
			if status, answer := get(t, http.MethodPost, h.base+"?b64=1&transport=polling&EIO="+version+"&sid="+id, packet, nil); status != want {
				t.Errorf("version %s, late %v: %d %s after %s", version, late, status, answer, body)
			}
		}
	}
}

// A client whose message is being handled is not silent.
func TestSessionIsNotSilentWhileItsMessageIsHandled(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, h *host) {
		quick(c, h)
		h.onOpen = func(s *session) {
			s.onMessage = func(text string) {
				<-time.After(1500 * time.Millisecond) // three times the deadline
				s.say(text)
			}
		}
	})
	each(t, func(t *testing.T, o siotest.Options) {
		c, _ := h.dial(t, o)
		c.Send("4slow")
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
	each(t, func(t *testing.T, o siotest.Options) {
		c := siotest.Dial(t, h.base, o)
		receive(t, unsettled, "the session")
		c.Ended()
	})
}
