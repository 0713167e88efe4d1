package native_test

import (
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/projections"
)

// TestFollowersOfAStreamer follows a streamer, sees the start of a live on another node, and comments in the mode followers.
func TestFollowersOfAStreamer(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob, cat := a.register("ann"), a.register("bob"), a.register("cat")
	owner, follower, other := ann.on(b).app(), bob.on(b).app(), cat.app()
	follower.ok(follower.ask("user.follow", map[string]any{"user": ann.ID}))
	if got := into[struct {
		Streamer  domain.UserID
		Following bool
	}](t, follower.push("follow")); got.Streamer != ann.ID || !got.Following {
		t.Errorf("got %+v", got)
	}
	if got := into[struct{ User struct{ ID domain.UserID } }](t, owner.push("follower")); got.User.ID != bob.ID {
		t.Errorf("got %+v", got)
	}
	follower.no(follower.ask("user.follow", map[string]any{"user": bob.ID}), "bad_request")
	party := ann.Asks(domain.CreateLive{Title: "party", StreamKey: strings.Repeat("p", 20), Access: domain.AccessInvited}).Events[0].Event.(domain.LiveCreated).Live
	ann.Asks(domain.ChangeLiveStatus{Live: party, To: domain.LivePlay}) // followers are not invited and do not learn of it
	live := ann.goLive("songs")
	started := follower.push("live.started")
	if got := into[struct {
		Title string
		Owner struct{ ID domain.UserID }
	}](t, started); started.Live != live || got.Title != "songs" || got.Owner.ID != ann.ID {
		t.Errorf("got %s", started.raw)
	}
	follower.join(live)
	other.join(live)
	owner.ok(owner.ask("live.mode", map[string]any{"live": live, "mode": "followers", "value": 1}))
	other.no(other.ask("comment.post", map[string]any{"live": live, "text": "hello"}), "followers_only")
	follower.ok(follower.ask("comment.post", map[string]any{"live": live, "text": "hello"}))
	follower.ok(follower.ask("user.unfollow", map[string]any{"user": ann.ID}))
	follower.no(follower.ask("comment.post", map[string]any{"live": live, "text": "hello"}), "followers_only")
	for _, m := range other.aside {
		if m.Type == "live.started" || m.Type == "follower" {
			t.Errorf("a user who follows nobody received %s", m.raw)
		}
	}
}

// TestFollowersMayPlayAtOnce checks that the tables, which decide about players, contain a follower before the request to follow
// has a reply.
func TestFollowersMayPlayAtOnce(t *testing.T) {
	t.Parallel()
	a := newWorld(t, nil)
	ann, bob := a.register("ann"), a.register("bob")
	live := ann.goLive("x")
	ann.Asks(domain.SetAccess{Live: live, Access: domain.AccessFollowers})
	follower, tables := bob.app(), projections.NewQueries(a.Pool)
	for range 20 {
		follower.ok(follower.ask("user.follow", map[string]any{"user": ann.ID}))
		if err := tables.CheckViewer(t.Context(), live, bob.ID, a.Store.Now()); err != nil {
			t.Fatal(err)
		}
		follower.ok(follower.ask("user.unfollow", map[string]any{"user": ann.ID}))
	}
}
