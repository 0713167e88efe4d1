package native_test

import (
	"testing"

	"roomlog/domain"
)

// TestAccessIsTakenBack lets viewers on two nodes into a live and takes their right back in every way.
func TestAccessIsTakenBack(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob, cat := a.register("ann"), a.register("bob"), a.register("cat")
	live := ann.goLive("x")
	owner, here, there := ann.app(), bob.app(), cat.on(b).app()
	ann.Asks(domain.CreateInvitation{Live: live, Uses: 9, Hash: "h"})
	removed := func(c *app, code string) {
		t.Helper()
		m := c.push("removed")
		if no := into[refusal](t, m); m.Live != live || no.Code != code || no.TextZH == "" {
			t.Errorf("got %s, want the code %s", m.raw, code)
		}
		c.no(c.ask("room.join", map[string]any{"live": live}), code)
		c.no(c.ask("comment.post", map[string]any{"live": live, "text": "hello"}), code)
		c.no(c.ask("room.viewers", map[string]any{"live": live}), "forbidden")
	}
	for _, c := range []*app{owner, here, there} {
		c.join(live)
	}
	ann.Asks(domain.SetAccess{Live: live, Access: domain.AccessInvited})
	removed(here, "live_invited")
	removed(there, "live_invited")
	for _, p := range []person{bob, cat} {
		p.Asks(domain.UseInvitation{Live: live, Hash: "h"})
	}
	here.join(live)
	there.join(live)
	ann.Asks(domain.RevokeInvitation{Live: live, Invitation: 1})
	removed(here, "live_invited")
	removed(there, "live_invited")
	for _, p := range []person{bob, cat} {
		p.Asks(domain.FollowUser{Streamer: ann.ID})
	}
	ann.Asks(domain.SetAccess{Live: live, Access: domain.AccessFollowers})
	here.join(live)
	there.join(live)
	cat.Asks(domain.UnfollowUser{Streamer: ann.ID})
	removed(there, "live_followers")
	ann.Asks(domain.SetAccess{Live: live, Access: domain.AccessPassword, Credential: "c1"})
	removed(here, "live_password")
	bob.Asks(domain.EnterPassword{Live: live, Credential: "c1"})
	here.join(live)
	ann.Asks(domain.SetAccess{Live: live, Access: domain.AccessPassword, Credential: "c2"})
	removed(here, "live_password")
	ann.Asks(domain.SetAccess{Live: live, Access: domain.AccessOpen})
	here.join(live)
	there.join(live)
	owner.ok(owner.ask("comment.post", map[string]any{"live": live, "text": "the owner has stayed"}))
}
