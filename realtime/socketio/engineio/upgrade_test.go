package engineio_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"roomlog/internal/clocktest"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

func TestUpgradeLosesNoMessage(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	for _, version := range []int{3, 4} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			group := h.NewGroup()
			c, s := h.dial(t, siotest.Options{Version: version, Polling: true})
			group.Add(s.Session)
			const pushes = 3000
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := range pushes {
					group.Push(message(fmt.Sprintf("push %d", i)))
					<-time.After(100 * time.Microsecond) // time passes: the pushes shall last as long as the upgrade
				}
			}()
			c.Upgrade()
			for i := range pushes {
				if p := c.Next(); p.Text != fmt.Sprintf("4push %d", i) {
					t.Fatalf("after push %d got %q", i-1, p.Text)
				}
			}
			<-done
			if !s.Upgraded() {
				t.Error("the session still polls")
			}
		})
	}
}

func TestWaitingGETDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	for version, noop := range map[string]string{"3": "1:6", "4": "6"} {
		p := h.poller(t, version)
		answer := p.waiting()
		c := siotest.Join(t, p.address)
		c.Send("2probe")
		c.Expect("3probe")
		if body := wstest.Receive(t, answer, "the answer"); body != noop {
			t.Errorf("version %s: the GET gets the response %q, want %v", version, body, noop)
		}
		if _, body := p.get(); body != noop { // The GET gets the noop until the client sends the upgrade packet.
			t.Errorf("version %s: the next GET gets the response %q, want %v", version, body, noop)
		}
		p.say("waits")
		c.Send("5")
		c.Expect("4waits")
	}
}

func TestFailedUpgrades(t *testing.T) {
	t.Parallel()
	const timeout = 80 * time.Millisecond // timeout on the clock below; checks run every 10 ms
	for name, say := range map[string]string{"says something else": "4hello", "upgrades without a probe": "5", "says nothing": "", "says nonsense": "x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := clocktest.New()
			h := serve(t, func(c *engineio.Config, _ *host) {
				c.Now, c.Sockets.PushWindow, c.UpgradeTimeout = clock.Now, -1, timeout
			})
			p := h.poller(t, "4")
			c := siotest.Join(t, p.address)
			if say != "" {
				c.Send(say)
			} else {
				clock.Forward(timeout + 1)
			}
			c.Ended()
			p.say("still polling")
			if _, body := p.get(); body != "4still polling" {
				t.Errorf("got %q", body)
			}
			again := siotest.Join(t, p.address) // The client may try again.
			again.Send("2probe")
			again.Expect("3probe")
			again.Send("5")
			p.say("upgraded")
			again.Expect("4upgraded")
		})
	}
}

func TestSecondUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	p := h.poller(t, "4")
	c := siotest.Join(t, p.address)
	c.Send("2probe")
	c.Expect("3probe")
	siotest.Join(t, p.address).Ended()
	c.Send("5")
	p.say("upgraded")
	c.Expect("4upgraded")
}

// TestSessionEndsDuringAnUpgrade checks that the last packets are sent over the new connection if the server ends the
// session when the client no longer polls.
func TestSessionEndsDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	p := h.poller(t, "4")
	c := siotest.Join(t, p.address)
	c.Send("2probe")
	c.Expect("3probe")
	p.say("last")
	p.Close()
	wstest.Receive(t, p.closed, "the end")
	c.Send("5")
	c.Expect("4last")
	c.Ended()
}

// TestAliasOfAPollingVersion3Session checks that other users see an alias: the id of a polling session of version 3 is
// enough to send as its client.
func TestAliasOfAPollingVersion3Session(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	c, s := h.dial(t, siotest.Options{Version: 3, Polling: true})
	alias := s.PublicID()
	if alias == s.ID() || len(alias) != len(s.ID()) || !s.HasID(alias) || s.HasID(s.ID()) || s.HasID("") {
		t.Fatalf("session %s is shown as %s", s.ID(), alias)
	}
	for _, lane := range []func(string) *ws.Frame{message, func(text string) *ws.Frame {
		return ws.LatestFrame(engineio.Message([]byte(text)), "list")
	}} {
		s.Send(lane("clients: " + alias + " and others, " + alias))
		c.Expect("4clients: " + s.ID() + " and others, " + s.ID()) // The client knows itself by its id.
	}
	c.Upgrade()
	wstest.Eventually(t, "the session is upgraded", s.Upgraded)
	if s.PublicID() != s.ID() || !s.HasID(s.ID()) || !s.HasID(alias) {
		t.Errorf("upgraded, session %s is shown as %s", s.ID(), s.PublicID())
	}
	s.say(alias) // The alias may have been sent before the upgrade.
	c.Expect("4" + s.ID())
	for _, o := range []siotest.Options{{Version: 3}, {Version: 4}, {Version: 4, Polling: true}} {
		if _, s := h.dial(t, o); s.PublicID() != s.ID() {
			t.Errorf("%+v has an alias", o)
		}
	}
}

// TestUpgradeDuringAPush checks that a session that is upgraded while a list of public ids is pushed finds its own id
// in the list.
func TestUpgradeDuringAPush(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	group := h.NewGroup()
	c, s := h.dial(t, siotest.Options{Version: 3, Polling: true})
	other, o := h.dial(t, siotest.Options{Version: 3})
	group.Add(s.Session)
	group.Add(o.Session)
	alias := s.PublicID()
	group.PushEncoded(func() *ws.Frame {
		f := message("who is here: " + s.PublicID())
		c.Upgrade()
		wstest.Eventually(t, "the session is upgraded", s.Upgraded)
		return f
	})
	c.Expect("4who is here: " + s.ID())
	other.Expect("4who is here: " + alias)
	group.Push(message("and then"))
	c.Expect("4and then")
}

func TestGroup(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		group := h.NewGroup()
		c, s := h.dial(t, o)
		group.Push(message("before"))
		group.Add(s.Session)
		group.Add(s.Session)
		group.Push(message("one"))
		group.Push(message("two"))
		c.Expect("4one")
		c.Expect("4two")
		group.Remove(s.Session)
		group.Remove(s.Session)
		group.Push(message("after"))
		s.say("end")
		c.Expect("4end")
	})
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	p := h.poller(t, "4")
	answer := p.waiting()
	idle := h.poller(t, "3")
	socket, s := h.dial(t, siotest.Options{})
	if err := h.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if body := wstest.Receive(t, answer, "the answer"); body != "1" {
		t.Errorf(`the waiting GET gets the response %q, want "1"`, body)
	}
	socket.Ended()
	for _, s := range []*session{p.session, idle.session, s} {
		select {
		case <-s.closed: // Closed must be called before Shutdown returns.
		default:
			t.Error("a session has not ended")
		}
	}
	if status, body := get(t, "GET", h.base+"?EIO=4&transport=polling", "", nil); status != 503 || !strings.Contains(body, "Restarting") {
		t.Errorf("a new session gets the response %d %s", status, body)
	}
	if _, err := siotest.Try(t, h.base, siotest.Options{}); err == nil {
		t.Error("a new session is let in over WebSocket")
	}
}
