package native_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// twoNodes opens two nodes on one database.
func twoNodes(t *testing.T) (a, b *world) {
	t.Helper()
	db := pgtest.New(t)
	return openWorld(t, db, true, nil), openWorld(t, db, false, nil)
}

type noticed struct{ Kind, Reason, Until string }

// noticed reads pushes until a notice of this kind. It skips older notices.
func (a *app) noticed(kind string) noticed {
	a.T.Helper()
	for {
		n := into[noticed](a.T, a.push("notice"))
		switch n.Kind {
		case kind:
			return n
		case "signed_in":
		default:
			a.T.Fatalf("noticed %+v, want %s", n, kind)
		}
	}
}

// errorOf reads pushes until an error that replies to no request.
func (a *app) errorOf(code string) refusal {
	a.T.Helper()
	m := a.push("error")
	no := into[refusal](a.T, m)
	if m.Re != "" || no.Code != code {
		a.T.Fatalf("got %s, want an error %s", m.raw, code)
	}
	return no
}

func TestKickUser(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob := a.register("ann"), a.register("bob")
	live := ann.goLive("x")
	watcher := ann.app()
	watcher.join(live)
	here, there := bob.app(), bob.on(b).app()
	here.join(live)
	there.join(live)
	cursor := into[struct{ Cursor string }](t, here.ok(here.ask("hello", map[string]any{"token": bob.Token()}))).Cursor
	a.Do(domain.KickUser{User: bob.ID, Reason: "请文明发言"})
	for _, c := range []*app{here, there} {
		if n := c.noticed("kicked"); n.Reason != "请文明发言" {
			t.Errorf(`noticed %+v, want Reason "请文明发言"`, n)
		}
		if no := c.errorOf("kicked"); no.Text != "请文明发言" || no.TextZH != "请文明发言" {
			t.Errorf("got %+v", no)
		}
		if reason := c.ExpectClose(ws.CloseKicked); reason != "请文明发言" {
			t.Errorf(`closed with %q, want "请文明发言"`, reason)
		}
	}
	if ws.ReconnectAdvised(ws.CloseKicked) {
		t.Error("clients are advised to reconnect after a kick")
	}
	if left := into[struct{ Cause string }](t, watcher.push("leave")); left.Cause != "removed" {
		t.Errorf(`left because of %s, want "removed"`, left.Cause)
	}
	// A client that reconnects nevertheless is admitted and receives the missed notice once.
	again := bob.connect()
	again.ok(again.ask("hello", map[string]any{"token": bob.Token(), "since": cursor}))
	again.noticed("kicked")
	again.join(live)
	a.Do(domain.KickUser{User: bob.ID})
	if no := again.errorOf("kicked"); no.Text == "" || no.TextZH != "您已被管理员移出" {
		t.Errorf("got %+v", no)
	}
	if reason := again.ExpectClose(ws.CloseKicked); reason != "kicked" {
		t.Errorf(`closed with %q, want "kicked"`, reason)
	}
}

func TestKickConnection(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	bob := a.register("bob")
	one, other, anonymous := bob.on(b).app(), bob.on(b).app(), b.connect()
	anonymous.ok(anonymous.ask("ping", nil)) // this client has not sent hello
	var ids []domain.ConnectionID
	for _, s := range a.survey(hub.SurveyRequest{}, 3).Connections { // checks the connections, newest first
		ids = append(ids, s.ID)
	}
	a.Do(domain.KickConnection{Connection: ids[0], Reason: "flooding"})
	if reason := anonymous.ExpectClose(ws.CloseKicked); reason != "flooding" {
		t.Errorf(`closed with %q, want "flooding"`, reason)
	}
	a.Do(domain.KickConnection{Connection: ids[2]})
	one.ExpectClose(ws.CloseKicked)
	a.Do(domain.KickConnection{Connection: "nobody's"})
	a.Do(domain.KickConnection{Connection: ids[0]})
	other.ok(other.ask("ping", nil))
}

func TestBanUser(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob := a.register("ann"), a.register("bob")
	live := ann.goLive("x")
	watcher, c := ann.app(), bob.on(b).app()
	watcher.join(live)
	c.join(live)
	a.Do(domain.BanUser{User: bob.ID, Seconds: 3600, Reason: "cool down"})
	if n := c.noticed("banned"); n.Reason != "cool down" || !strings.HasSuffix(n.Until, "Z") {
		t.Errorf("noticed %+v", n)
	}
	if no := c.errorOf("banned"); no.TextZH != "您没有权限访问该接口!" {
		t.Errorf("got %+v", no)
	}
	c.ExpectClose(ws.CloseKicked)
	if left := into[struct{ Cause string }](t, watcher.push("leave")); left.Cause != "removed" {
		t.Errorf(`left because of %s, want "removed"`, left.Cause)
	}
	again := b.connect()
	again.no(again.ask("hello", map[string]any{"token": bob.Token()}), "banned")
	again.ExpectClose(ws.CloseKicked)
	a.Do(domain.UnbanUser{User: bob.ID})
	wstest.Eventually(t, "bob may sign in again", func() bool {
		back := b.connect()
		return back.answer(back.ask("hello", map[string]any{"token": bob.Token()})).Type == "ok"
	})
}

func TestBanViewer(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob := a.register("ann"), a.register("bob")
	live, other := ann.goLive("x"), ann.goLive("y")
	watcher, c := ann.app(), bob.on(b).app()
	watcher.join(live)
	c.join(live)
	c.join(other)
	ann.Asks(domain.BanViewer{Live: live, User: bob.ID, Reason: "be kind"})
	out := c.push("banned")
	if no := into[refusal](t, out); out.Live != live || no.Code != "banned" || no.Text != "be kind" || no.TextZH != "be kind" {
		t.Errorf("got %s", out.raw)
	}
	if left := into[struct{ Cause string }](t, watcher.push("leave")); left.Cause != "removed" {
		t.Errorf(`left because of %s, want "removed"`, left.Cause)
	}
	c.no(c.ask("room.join", map[string]any{"live": live}), "banned")
	c.no(c.ask("comment.post", map[string]any{"live": live, "text": "let me in"}), "banned")
	a.settled(live, fmt.Sprintf("joined %d", ann.ID), fmt.Sprintf("joined %d", bob.ID), fmt.Sprintf("left %d removed", bob.ID))
	watcher.ok(watcher.ask("comment.post", map[string]any{"live": live, "text": "unheard by bob"}))
	watcher.push("comment")
	c.ok(c.ask("comment.post", map[string]any{"live": other, "text": "I am still here"}))
	if m := c.push("comment"); m.Live != other {
		t.Errorf("got %s, want m.Live %v", m.raw, other)
	}
	ann.Asks(domain.UnbanViewer{Live: live, User: bob.ID})
	c.join(live)
}

// TestBanWhileJoining bans a viewer who is joining the live. Afterwards the viewer must not be in the live, in
// whichever order the two happened.
func TestBanWhileJoining(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann, bob := w.register("ann"), w.register("bob")
	live := ann.goLive("x")
	c := bob.app()
	for range 20 {
		id := c.ask("room.join", map[string]any{"live": live})
		ann.Asks(domain.BanViewer{Live: live, User: bob.ID})
		if c.answer(id).Type == "ok" {
			c.push("banned")
		}
		msg := ann.Asks(domain.PostComment{Live: live, Text: "unheard"})
		w.delivered(msg.Position)
		c.ok(c.ask("ping", nil))
		for _, m := range c.aside {
			if m.Type == "comment" {
				t.Fatalf("got %s", m.raw)
			}
		}
		c.aside = nil
		ann.Asks(domain.UnbanViewer{Live: live, User: bob.ID})
	}
	wstest.Eventually(t, "bob has left as often as he joined", func() bool { return len(w.visits(live))%2 == 0 })
}

// TestBanDuringSlowRequests checks that a slow request delays a ban only on its own connection. It must not delay a
// ban, kick or revocation on other connections.
func TestBanDuringSlowRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann := w.register("ann")
	live := ann.goLive("x")
	var slow []*app
	var slowUsers []person
	for i := range 10 { // more connections than the server has background workers
		p := w.register(fmt.Sprintf("slow-%d", i))
		a := p.app()
		a.join(live)
		slow, slowUsers = append(slow, a), append(slowUsers, p)
	}
	release := sync.OnceFunc(w.handler.Hold())
	defer release()
	bob, cat, dan := w.register("bob"), w.register("cat"), w.register("dan")
	banned, kicked, revoked := bob.app(), cat.app(), dan.app()
	banned.join(live)
	for _, p := range slowUsers {
		ann.Asks(domain.BanViewer{Live: live, User: p.ID})
	}
	ann.Asks(domain.BanViewer{Live: live, User: bob.ID})
	banned.push("banned")
	w.Do(domain.KickUser{User: cat.ID})
	kicked.ExpectClose(ws.CloseKicked)
	w.Do(domain.KickUser{User: slowUsers[0].ID})
	slow[0].errorOf("kicked")
	w.Do(domain.BanUser{User: dan.ID})
	revoked.ExpectClose(ws.CloseKicked)
	release()
	slow[0].ExpectClose(ws.CloseKicked)
	for _, a := range slow[1:] {
		a.push("banned")
	}
}

// delivered waits until all deltas up to a position have been delivered.
func (w *world) delivered(position int64) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wstest.Timeout)
	defer cancel()
	if err := w.Hub.WaitFor(ctx, position); err != nil {
		w.Fatal(err)
	}
}

// TestRemovedCommentsNeverComeBack removes comments while the facts are in the memory of a node, and while they are only
// in the log. A client that resumes must not receive their texts, and must notice no gap.
func TestRemovedCommentsNeverComeBack(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob := a.register("ann"), a.register("bob")
	live := ann.goLive("x")
	holder, author := ann.app(), bob.app()
	holder.join(live)
	from := a.head()
	post := func(p person, text string) int64 { return p.Asks(domain.PostComment{Live: live, Text: text}).Position }
	first, others, kept := post(bob, "secret 1"), []int64{post(bob, "secret 2"), post(bob, "secret 3")}, post(ann, "kept")
	for holder.push("comment").Pos < kept { // reads until the node keeps all of them
	}
	author.ok(author.ask("comment.remove", map[string]any{"live": live, "comment": first}))
	if got := into[struct{ Pos int64 }](t, holder.push("comment.removed")); got.Pos != first {
		t.Errorf("comment %d was removed, want %d", got.Pos, first)
	}
	author.no(author.ask("comment.remove", map[string]any{"live": live, "comment": first}), "comment_not_found")
	author.no(author.ask("comment.remove", map[string]any{"live": live, "comment": from}), "comment_not_found")
	author.no(author.ask("comment.remove", map[string]any{"live": live, "comment": kept}), "live_not_found")
	author.no(author.ask("comment.clear", map[string]any{"live": live, "user": bob.ID}), "live_not_found")
	holder.ok(holder.ask("comment.clear", map[string]any{"live": live, "user": bob.ID, "reason": "spam"}))
	if got := into[struct{ User domain.UserID }](t, holder.push("comments.cleared")); got.User != bob.ID {
		t.Errorf("comments of %d were cleared, want those of %d", got.User, bob.ID)
	}
	for name, c := range map[string]*app{"memory": ann.app(), "the log": ann.on(b).app()} {
		resumed := c.rejoin(live, a.cursor(from))
		if len(resumed.Resumed) != 2 {
			t.Fatalf("from %s: got %+v, want it resumed", name, resumed)
		}
		chain := startChain(t, resumed)
		for chain.seen["comments.cleared"] == 0 {
			m := c.read()
			if strings.Contains(m.raw, "secret") {
				t.Errorf("from %s: got %s", name, m.raw)
			}
			chain.take(m)
		}
		if chain.seen["skipped"] != 1+len(others) || chain.seen["comment"] != 1 || chain.seen["comment.removed"] != 1 {
			t.Errorf("from %s: got %+v, want %d skipped and one comment", name, chain.seen, 1+len(others))
		}
		if s := c.join(live).Snapshot; len(s.Comments) != 1 || s.Comments[0].Text != "kept" {
			t.Errorf("from %s: the snapshot has %+v", name, s.Comments)
		}
	}
}

// TestForgottenTextsNeverComeBack forgets a user while the facts are in the memory of a node. A client that resumes must
// receive neither the comments nor the names of the user, and must notice no gap.
func TestForgottenTextsNeverComeBack(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob := a.register("ann"), a.register("secret bob")
	live := ann.goLive("x")
	holder := ann.app()
	holder.join(live)
	far := ann.on(b).app()
	far.join(live)
	from := a.head()
	bob.app().join(live)
	bob.Asks(domain.PostComment{Live: live, Text: "secret 1"})
	kept := ann.Asks(domain.PostComment{Live: live, Text: "kept"}).Position
	for _, c := range []*app{holder, far} {
		for c.push("comment").Pos < kept { // reads until the nodes keep all of them
		}
	}
	a.Do(domain.ForgetUser{User: bob.ID})
	last := ann.Asks(domain.PostComment{Live: live, Text: "last"}).Position
	for _, c := range []*app{holder, far} {
		for c.push("comment").Pos < last { // reads until the nodes know of the erasure
		}
	}
	for name, c := range map[string]*app{"the same node": ann.app(), "another node": ann.on(b).app()} {
		resumed := c.rejoin(live, a.cursor(from))
		chain := startChain(t, resumed)
		for chain.seen["comment"] < 3 {
			m := c.read()
			if strings.Contains(m.raw, "secret") {
				t.Errorf("%s: got %s", name, m.raw)
			}
			chain.take(m)
		}
	}
}

// TestModeratorsOfALive lets a moderator mute a viewer on another node and set a mode, until the owner removes the moderator.
func TestModeratorsOfALive(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob, cat := a.register("ann"), a.register("bob"), a.register("cat")
	live := ann.goLive("x")
	owner, moderator, viewer := ann.app(), bob.app(), cat.on(b).app()
	for _, c := range []*app{owner, moderator, viewer} {
		c.join(live)
	}
	mute := map[string]any{"live": live, "user": cat.ID, "seconds": 600, "reason": "be kind"}
	moderator.no(moderator.ask("viewer.mute", mute), "live_not_found")
	owner.ok(owner.ask("moderator.appoint", map[string]any{"live": live, "user": bob.ID}))
	if got := into[struct {
		User      struct{ ID domain.UserID }
		Moderator bool
	}](t, viewer.push("moderator")); got.User.ID != bob.ID || !got.Moderator {
		t.Errorf("got %+v", got)
	}
	moderator.no(moderator.ask("viewer.mute", map[string]any{"live": live, "user": ann.ID}), "bad_request")
	moderator.ok(moderator.ask("viewer.mute", mute))
	if got := into[struct {
		Muted bool
		Until *time.Time
	}](t, viewer.push("muted")); !got.Muted || got.Until == nil {
		t.Errorf("got %+v", got)
	}
	no := viewer.answer(viewer.ask("comment.post", map[string]any{"live": live, "text": "hello"}))
	if got := into[struct {
		Code  string
		Until time.Time
	}](t, no); got.Code != "muted" || got.Until.IsZero() {
		t.Errorf("got %s, want it refused with the end of the mute", no.raw)
	}
	moderator.ok(moderator.ask("viewer.unmute", map[string]any{"live": live, "user": cat.ID}))
	moderator.ok(moderator.ask("live.mode", map[string]any{"live": live, "mode": "slow", "value": 3600, "seconds": 600}))
	moderator.no(moderator.ask("words.add", map[string]any{"live": live, "words": []string{" "}, "act": "mask"}), "text_empty")
	if got := into[struct {
		Mode  string
		Value int64
	}](t, viewer.push("mode")); got.Mode != "slow" || got.Value != 3600 {
		t.Errorf("got %+v", got)
	}
	viewer.ok(viewer.ask("comment.post", map[string]any{"live": live, "text": "hello"}))
	viewer.no(viewer.ask("comment.post", map[string]any{"live": live, "text": "hello"}), "slow_mode")
	moderator.ok(moderator.ask("comment.post", map[string]any{"live": live, "text": "slowly"}))
	moderator.ok(moderator.ask("comment.post", map[string]any{"live": live, "text": "please"}))
	joined := viewer.ok(viewer.ask("room.join", map[string]any{"live": live}))
	if got := into[struct {
		Snapshot struct {
			Moderators []struct{ ID domain.UserID }
			Modes      []struct{ Mode string }
		}
	}](t, joined).Snapshot; len(got.Moderators) != 1 || got.Moderators[0].ID != bob.ID || len(got.Modes) != 1 || got.Modes[0].Mode != "slow" {
		t.Errorf("got %+v", got)
	}
	owner.ok(owner.ask("moderator.remove", map[string]any{"live": live, "user": bob.ID}))
	moderator.no(moderator.ask("viewer.ban", map[string]any{"live": live, "user": cat.ID}), "live_not_found")
	owner.ok(owner.ask("viewer.ban", map[string]any{"live": live, "user": cat.ID}))
	viewer.push("banned")
	owner.ok(owner.ask("viewer.unban", map[string]any{"live": live, "user": cat.ID}))
	viewer.join(live)
}

// TestActsRaceCommentsOnTwoNodes lets two moderators on two nodes mute the same viewer again and again, while the viewer comments on
// both nodes. In the order of the log no comment follows a mute, and the end of the newest mute is the one that holds.
func TestActsRaceCommentsOnTwoNodes(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob, dan, cat := a.register("ann"), a.register("bob"), a.register("dan"), a.register("cat")
	live := ann.goLive("x")
	for _, p := range []person{bob, dan} {
		ann.Asks(domain.AppointModerator{Live: live, User: p.ID})
	}
	var all sync.WaitGroup
	act := func(w *world, by person, c domain.Command, may domain.Code) bool {
		_, err := w.Sequencer.Execute(t.Context(), domain.Request{Command: c, Actor: by.Actor()})
		if r := domain.AsRefusal(err); err != nil && (r == nil || r.Code != may) {
			t.Error(err)
		}
		return err == nil
	}
	muted := make(chan struct{})
	var once sync.Once
	for n, moderator := range []person{bob, dan} {
		w := []*world{a, b}[n]
		all.Go(func() {
			for i := range 10 {
				if i == 1 {
					once.Do(func() { close(muted) })
				}
				act(w, moderator, domain.MuteViewer{Live: live, User: cat.ID, Seconds: int64(1000*(n+1) + i), Reason: "be kind"}, "")
			}
		})
		all.Go(func() {
			for i := 0; ; i++ {
				if !act(w, cat, domain.PostComment{Live: live, Text: fmt.Sprint("hello ", i)}, domain.CodeMuted) {
					<-muted
					return
				}
			}
		})
	}
	all.Wait()
	page, err := a.Store.Read(t.Context(), eventstore.Query{Limit: 5000, Types: []string{domain.ViewerMuted{}.Type(), domain.CommentPosted{}.Type()}})
	if err != nil {
		t.Fatal(err)
	}
	var until int64
	acts := 0
	for _, r := range page.Events {
		switch e := r.Event.(type) {
		case domain.ViewerMuted:
			until, acts = e.Until, acts+1
		case domain.CommentPosted:
			if acts > 0 {
				t.Errorf("the comment %q at position %d follows a mute", e.Text, r.Position)
			}
		}
	}
	if acts == 0 {
		t.Fatal("nobody was muted")
	}
	no := cat.on(b).app()
	m := no.answer(no.ask("comment.post", map[string]any{"live": live, "text": "hello"}))
	if got := into[struct {
		Code  string
		Until time.Time
	}](t, m); got.Code != "muted" || got.Until.Unix() != until {
		t.Errorf("got %s, want the end of the newest mute, %d", m.raw, until)
	}
}
