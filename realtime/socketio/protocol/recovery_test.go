package protocol_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/internal/settings"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/socketio/siotest"
)

// recovering starts a server whose sockets keep a word for their recovery.
func recovering(t testing.TB, change func(*protocol.Config, *protocol.Recovery)) *host {
	t.Helper()
	r := &protocol.Recovery{Restore: func(kept any, offset string) (any, bool) {
		return fmt.Sprint(kept, " from ", offset), offset != "lost"
	}}
	return serve(t, func(cfg *protocol.Config) {
		converse := cfg.Namespaces[0].Connected
		cfg.Namespaces[0].Recovery = r
		cfg.Namespaces[0].Connected = func(k *protocol.Socket) {
			converse(k)
			if was := k.Restored(); was != nil {
				k.Emit("restored", was)
			}
			word := "nothing"
			k.On("remember", func(e *protocol.Event) {
				if e.Argument(0, &word) != nil || e.Argument(1, &word) == nil {
					k.Emit("what?")
				}
			})
			k.OnDisconnect(func(string) {
				if word != "forget me" {
					k.Keep(word)
				}
			})
		}
		if change != nil {
			change(cfg, r)
		}
		settings.Defaults(r)
	})
}

// enter connects with the recovery data of a lost socket and returns the new ids.
func enter(c *siotest.Client, pid, offset string) (id, nowPID string) {
	c.Helper()
	id, nowPID = c.Enter("/", fmt.Sprintf(`{"recovery":true,"pid":%q,"offset":%q}`, pid, offset))
	c.Event("auth")
	return id, nowPID
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	h := recovering(t, nil)
	for _, polling := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			o := siotest.Options{Version: 4, Polling: polling}
			c := siotest.Dial(t, h.base, o)
			id, pid := c.Enter("/", `{"recovery":true}`)
			if len(pid) != 20 || pid == id {
				t.Fatalf("socket %s has the pid %q", id, pid)
			}
			c.Emit("remember", "me")
			c.Emit("message", 1)
			c.Event("message-back")
			if !polling {
				c.Cut()
			} // The connection is not cut first: a phone that changes networks reconnects before the server notices the loss.
			c = siotest.Dial(t, h.base, o)
			again, samePID := enter(c, pid, "17")
			if again != id || samePID != pid {
				t.Errorf("%s %s came back as %s %s, want %v, %v", id, pid, again, samePID, id, pid)
			}
			if got := string(c.Event("restored")[0]); got != `"me from 17"` {
				t.Errorf("restored %s, want \"\\\"me from 17\\\"\"", got)
			}
			if h.socket(t, id).ID() != id {
				t.Error("the server has another id for the socket")
			}
		})
	}
}

func TestSocketsThatCannotBeRecovered(t *testing.T) {
	t.Parallel()
	var away atomic.Int64
	h := recovering(t, func(cfg *protocol.Config, r *protocol.Recovery) {
		cfg.Engine.Now = func() time.Time { return time.Now().Add(time.Duration(away.Load())) }
		r.Keep, r.MaxKept = time.Hour, 2
	})
	o := siotest.Options{Version: 4}
	lose := func(say func(*siotest.Client)) (id, pid string) {
		c := siotest.Dial(t, h.base, o)
		id, pid = c.Enter("/", `{"recovery":true}`)
		if say != nil {
			say(c)
		}
		c.Emit("message", 1)
		if c.Open() {
			c.Event("message-back")
		}
		c.Cut()
		h.left(t, id)
		return id, pid
	}
	back := func(why, id, pid, offset string, want bool) {
		t.Helper()
		c := siotest.Dial(t, h.base, o)
		again, newPID := enter(c, pid, offset)
		if got := again == id && newPID == pid; got != want || !want && (again == id || newPID == pid) {
			t.Errorf("%s: socket %s %s was recovered as %s %s", why, id, pid, again, newPID)
		}
		c.Cut()
		h.left(t, again)
	}
	id, pid := lose(nil)
	back("who was lost", id, pid, "1", true)
	back("who was lost once more", id, pid, "2", true)
	back("an offset too long ago", id, pid, "lost", false)
	back("a second time", id, pid, "3", false)
	back("a pid that is made up", id, "AAAAAAAAAAAAAAAAAAAA", "1", false)
	back("none at all", id, "", "1", false)
	id, pid = lose(func(c *siotest.Client) { c.Emit("remember", "forget me") })
	back("who is not kept", id, pid, "1", false)
	id, pid = lose(nil)
	lose(nil)
	lose(nil)
	back("the oldest of too many", id, pid, "1", false)
	id, pid = lose(nil)
	away.Store(int64(time.Hour))
	back("too late", id, pid, "1", false)

	c := siotest.Dial(t, h.base, o)
	id, pid = c.Enter("/", `{"recovery":true}`)
	c.Send("41")
	h.left(t, id)
	back("who left", id, pid, "1", false)
	c = siotest.Dial(t, h.base, o)
	id, pid = c.Enter("/", `{"recovery":true}`)
	c.Emit("kick")
	c.Ended()
	h.left(t, id)
	back("who was put out", id, pid, "1", false)
}

// TestRecoveryMustBeRequested checks that a client that has not requested recovery receives no offset: most clients
// hand all arguments of an event to their user.
func TestRecoveryMustBeRequested(t *testing.T) {
	t.Parallel()
	h := recovering(t, nil)
	for auth, requests := range map[string]bool{
		``: false, `{}`: false, `{"token":"x"}`: false, `{"recovery":false}`: false, `{"pid":""}`: false,
		`{"recovery":true}`: true, `{"recovery":true,"token":"x"}`: true, `{"pid":"AAAAAAAAAAAAAAAAAAAA"}`: true,
	} {
		c := siotest.Dial(t, h.base, siotest.Options{Version: 4})
		id, pid := c.Enter("/", auth)
		if got := pid != ""; got != requests || h.socket(t, id).Recoverable() != requests {
			t.Errorf("a client that connected with %q got the pid %q", auth, pid)
		}
	}
}

func TestProtocol4ClientsAreNotRecovered(t *testing.T) {
	t.Parallel()
	h := recovering(t, nil)
	c := siotest.Dial(t, h.base, siotest.Options{Version: 3})
	c.Connect() // Connect expects a CONNECT without data.
	c.Cut()
}
