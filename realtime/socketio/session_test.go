package socketio_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/internal/clocktest"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// TestEndOfASignInSession checks that sign-in sessions have the same rules as in the native dialect: a user whose
// sign-in session ends gets a notice and leaves the lives.
func TestEndOfASignInSession(t *testing.T) {
	t.Parallel()
	const ended, locked = "Token 令牌不合法!", "用户不存在或已被禁用"
	for name, tt := range map[string]struct {
		end  func(*world, person)
		text string
	}{
		"signing in elsewhere": {func(_ *world, p person) { p.signIn() }, ended},
		"signing out": {func(w *world, p person) {
			w.Execute(domain.Request{Actor: domain.AuthenticatedActor(p.ID, p.Session), Command: domain.SignOut{}})
		}, ended},
		"being locked out": {func(w *world, p person) { w.Do(domain.DisableUser{User: p.ID}) }, locked},
		"being forgotten":  {func(w *world, p person) { w.Do(domain.ForgetUser{User: p.ID}) }, locked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) { c.Renewal = 100 * time.Millisecond })
			live := w.register("streamer").goLive()
			ann, watcher := w.register("ann"), w.app(siotest.Options{})
			watcher.joins(w.register("watcher"), live)
			a := w.app(siotest.Options{Version: 3})
			a.joins(ann, live)
			tt.end(w, ann)
			if no := a.refused(tt.text); no.Meta.NoToast {
				t.Error("the user got no notice")
			}
			for {
				if l, _ := push[listed](watcher, "online"); l.Total == 1 && len(l.Clients) == 1 && l.Action == "leave" {
					break
				}
			}
			if tt.text == locked {
				a.expectDenial("已禁止", locked)
			} else {
				a.silent() // the socket stays connected, but is no longer in the live
			}
		})
	}
}

func TestRenewedTokenKeepsTheUserInTheLive(t *testing.T) {
	t.Parallel()
	const renewal = 500 * time.Millisecond // renewal time, on the clock below
	clock := clocktest.New()
	w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) { c.HubConfig.Now, c.Renewal = clock.Now, renewal })
	live := w.register("streamer").goLive()
	ann := w.register("ann")
	a := w.app(siotest.Options{})
	a.joins(ann, live)
	ann = ann.signIn()
	a.Emit("comment", map[string]any{"live_id": live, "data": "with the new token", "token": ann.Token()})
	a.Event("comment")
	for i := range 2 { // when the second client has been revoked, the first has been checked, too
		bob := w.register(fmt.Sprintf("not renewing %d", i))
		b := w.app(siotest.Options{})
		b.joins(bob, live)
		signedIn := bob.Asks(domain.SignIn{User: bob.ID, Session: uuid.NewString()}).Position
		if err := w.Hub.WaitFor(t.Context(), signedIn); err != nil {
			t.Fatal(err)
		}
		clock.Forward(renewal)
		b.refused("Token 令牌不合法!")
	}
	a.silent()
	for _, left := range events[domain.ViewerLeft](w) {
		if left.User == ann.ID {
			t.Error("ann has left")
		}
	}
}

func TestTokenExpiresInTheLive(t *testing.T) {
	t.Parallel()
	clock := clocktest.New()
	w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) { c.HubConfig.Now = clock.Now })
	live := w.register("streamer").goLive()
	ann := w.register("ann")
	ann.Expires = clock.Now().Add(time.Hour)
	a := w.app(siotest.Options{})
	a.joins(ann, live)
	clock.Forward(time.Hour)
	a.refused("token 已过期! 请重新获取令牌")
	wstest.Eventually(t, "ann has left", func() bool { return len(events[domain.ViewerLeft](w)) == 1 })
	a.silent()
}

func TestTokensAreNotLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann := w.register("ann")
	for _, o := range siotest.Kinds() {
		o.Query = map[string][]string{"token": {"Bearer " + ann.Token()}, "room": {"r"}}
		a := w.app(o)
		a.joins(ann, live)
		a.Emit("comment", map[string]any{"live_id": live, "data": "", "token": "f0rged"})
		a.refused("Token 令牌不合法!")
		a.Send("4broken")
	}
	if text := w.log.String(); strings.Contains(text, ann.Session) || strings.Contains(text, "f0rged") || strings.Contains(text, "token=") {
		t.Errorf("the log contains a secret: %s", text)
	}
}
