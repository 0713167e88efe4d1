package socketio_test

import (
	"fmt"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// TestRecovery checks that a client of version 4.6 or newer recovers its socket and misses nothing.
func TestRecovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live, rose := w.register("streamer").goLive(), w.AddGift("rose", "", 1)
	ann, bob := w.register("ann"), w.register("bob").credit(1000)
	say := func(text string) { bob.Asks(domain.PostComment{Live: live, Text: text}) }
	a := w.recovering()
	a.joins(ann, live)
	say("seen")
	_, seen := push[comment](a, "comment")
	a.Cut()
	wstest.Eventually(t, "ann has left", func() bool { return len(events[domain.ViewerLeft](w)) == 1 })
	for i := range 20 {
		say(fmt.Sprint("missed ", i))
		bob.Asks(domain.SendGift{Live: live, Gift: rose, Num: 1})
	}
	back := w.back(a, seen)
	if back.id != a.id || back.pid != a.pid {
		t.Fatalf("%s %s came back as %s %s, want %v, %v", a.id, a.pid, back.id, back.pid, a.id, a.pid)
	}
	for i := range 20 {
		if s, _ := push[comment](back, "comment"); s.Content != fmt.Sprint("missed ", i) {
			t.Fatalf("comment %d is %q", i, s.Content)
		}
		push[given](back, "gift")
	}
	if l := back.online("join", "ann"); l.Total != 1 || len(l.Clients) != 1 || l.Clients[0] != a.id {
		t.Errorf("the list is %+v, want Total 1, 1 Clients, Clients[0] %v", l, a.id)
	}
	say("after")
	s, offset := push[comment](back, "comment")
	if s.Content != "after" {
		t.Errorf(`said %q, want "after"`, s.Content)
	}
	back.silent()
	// Recovers once more, before the server has noticed the loss, and twice.
	for range 2 {
		back = w.back(back, offset)
		if back.id != a.id {
			t.Fatalf("came back as %s, want %v", back.id, a.id)
		}
		back.online("join", "ann")
		back.silent()
	}
}

// TestRecoveryEndsWithTheViewerList checks that a socket gets the viewer list even if the join is delivered while the
// socket is still replaying.
func TestRecoveryEndsWithTheViewerList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann, bob := w.register("ann"), w.register("bob")
	w.app(siotest.Options{}).joins(bob, live) // the channel now has a viewer list
	a := w.recovering()
	a.joins(ann, live)
	bob.Asks(domain.PostComment{Live: live, Text: "seen"})
	_, seen := push[comment](a, "comment")
	for i := range 400 {
		bob.Asks(domain.PostComment{Live: live, Text: fmt.Sprint(i)})
	}
	for i := range 15 {
		a.Cut()
		wstest.Eventually(t, "ann has left", func() bool { return len(events[domain.ViewerLeft](w)) == i+1 })
		a = w.back(a, seen)
		a.online("join", "ann")
	}
}

// TestRecoveryWithoutAnOffset checks that a client that has received no event yet receives everything since it joined.
func TestRecoveryWithoutAnOffset(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann, bob := w.register("ann"), w.register("bob")
	before := bob.Asks(domain.PostComment{Live: live, Text: "before"})
	if err := w.Hub.WaitFor(t.Context(), before.Position); err != nil {
		t.Fatal(err)
	}
	a := w.recovering()
	a.joins(ann, live)
	a.Cut()
	wstest.Eventually(t, "ann has left", func() bool { return len(events[domain.ViewerLeft](w)) == 1 })
	bob.Asks(domain.PostComment{Live: live, Text: "missed"})
	back := w.back(a, "")
	if s, _ := push[comment](back, "comment"); back.id != a.id || s.Content != "missed" {
		t.Errorf(`%s came back as %s and hears %q, want %v, "missed"`, a.id, back.id, s.Content, a.id)
	}
}

func TestSocketsThatAreNotRecovered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer := w.register("streamer")
	live := streamer.goLive()
	ann, bob := w.register("ann"), w.register("bob")
	lose := func() *app {
		a := w.recovering()
		a.joins(ann, live)
		left := len(events[domain.ViewerLeft](w))
		a.Cut()
		wstest.Eventually(t, "ann has left", func() bool { return len(events[domain.ViewerLeft](w)) == left+1 })
		return a
	}
	for name, offset := range map[string]string{"an offset that is no number": "x", "a negative offset": "-1"} {
		a := lose()
		if back := w.back(a, offset); back.id == a.id || back.pid == a.pid {
			t.Errorf("%s: recovered", name)
		}
	}
	two := w.recovering()
	two.joins(ann, live)
	two.joins(ann, streamer.goLive())
	two.Cut()
	if back := w.back(two, "1"); back.id == two.id {
		t.Error("a socket in two rooms was recovered, but an offset belongs to one room")
	}
	a := lose()
	for range 501 {
		bob.Asks(domain.PostComment{Live: live, Text: "x"})
	}
	if back := w.back(a, ""); back.id == a.id {
		t.Error("too much was missed: recovered")
	}
	a = lose()
	streamer.Asks(domain.ChangeLiveStatus{Live: live, To: domain.LiveStop})
	back := w.back(a, "")
	if back.id != a.id {
		t.Error("the end of the live is a reason not to be recovered")
	}
	if no := back.refused("直播间已结束"); !no.Meta.NoToast {
		t.Error("a client that requested nothing got a frame")
	}
}

// TestRecoveryNeedsACurrentSession checks that, after a sign-in elsewhere, the socket is recovered but is no longer in
// the live.
func TestRecoveryNeedsACurrentSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann, bob := w.register("ann"), w.register("bob")
	a := w.recovering()
	a.joins(ann, live)
	a.Cut()
	wstest.Eventually(t, "ann has left", func() bool { return len(events[domain.ViewerLeft](w)) == 1 })
	ann.signIn()
	back := w.back(a, "")
	if no := back.refused("Token 令牌不合法!"); !no.Meta.NoToast || back.id != a.id {
		t.Errorf("socket %s was recovered as %s and refused with %+v", a.id, back.id, no)
	}
	bob.Asks(domain.PostComment{Live: live, Text: "unheard"})
	back.silent()
	if n := len(events[domain.ViewerJoined](w)); n != 1 {
		t.Errorf("%d joined, want 1", n)
	}
}

// TestRecoveryWithoutRemovedComments checks that a recovered socket does not receive the comments that were removed.
func TestRecoveryWithoutRemovedComments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer := w.register("streamer")
	live, ann, bob, cat := streamer.goLive(), w.register("ann"), w.register("bob"), w.register("cat")
	say := func(p person, text string) eventstore.Record {
		return p.Asks(domain.PostComment{Live: live, Text: text}).Events[0]
	}
	a := w.recovering()
	a.joins(ann, live)
	say(bob, "seen")
	_, seen := push[comment](a, "comment")
	a.Cut()
	wstest.Eventually(t, "ann has left", func() bool { return len(events[domain.ViewerLeft](w)) == 1 })
	removed := say(bob, "secret 1")
	say(cat, "secret 2")
	say(bob, "kept")
	streamer.Asks(domain.RemoveComment{Live: live, Comment: removed.Position, Author: bob.ID, PostedAt: removed.RecordedAt})
	cleared := streamer.Asks(domain.ClearComments{Live: live, User: cat.ID})
	if err := w.Hub.WaitFor(t.Context(), cleared.Position); err != nil {
		t.Fatal(err)
	}
	back := w.back(a, seen)
	if s, _ := push[comment](back, "comment"); s.Content != "kept" {
		t.Errorf("got %q, want the comment that was not removed", s.Content)
	}
	back.online("join", "ann")
	back.silent()
}
