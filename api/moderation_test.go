package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/eventstore"
)

const (
	forbidden  = "您没有权限访问该接口!"
	textNoLive = "直播间不存在"
)

// newest returns the newest event of a type, and its actor.
func newest[E domain.Event](d *testAPI) (e E, actor string) {
	d.Helper()
	page, err := d.store.Read(d.Context(), eventstore.Query{Types: []string{e.Type()}})
	if err != nil || len(page.Events) == 0 {
		d.Fatalf("no %s: %v", e.Type(), err)
	}
	last := page.Events[len(page.Events)-1]
	return last.Event.(E), last.Metadata.Actor
}

func TestKick(t *testing.T) {
	t.Parallel()
	var filters []api.ConnectionFilter
	known := api.Connections{Sockets: []api.Connection{{ID: "c-1", Dialect: "socketio", Users: []domain.UserID{}, Lives: []domain.LiveID{}}}, Total: 1, Nodes: 2, Replied: 2}
	d := startAPI(t, func(c *api.Config) {
		c.Connections = func(_ context.Context, f api.ConnectionFilter) (api.Connections, error) {
			filters = append(filters, f)
			if f.ID != "" && f.ID != "c-1" {
				return api.Connections{Nodes: 2, Replied: 2 - len(f.ID)%2}, nil
			}
			return known, nil
		}
	})
	boss, ann := d.account("boss").grant(domain.RoleOperator), d.account("ann")
	t.Run("of a user is recorded with actor and reason", func(t *testing.T) {
		boss.post("/api/operator/kick", object{"user": ann.ID, "reason": "请文明发言"}).ok(nil)
		if e, actor := newest[domain.UserKicked](d); e.User != ann.ID || e.Reason != "请文明发言" || actor != domain.AuthenticatedActor(boss.ID, "").String() {
			t.Errorf("%+v by %s", e, actor)
		}
	})
	t.Run("of a connection is recorded", func(t *testing.T) {
		boss.post("/api/operator/kick", object{"connection": "c-1"}).ok(nil)
		if e, _ := newest[domain.ConnectionKicked](d); e.Connection != "c-1" {
			t.Errorf(`got %+v, want Connection "c-1"`, e)
		}
		boss.post("/api/operator/kick", object{"connection": "even"}).expectFailure(http.StatusNotFound, "connection_not_found", "连接不存在")
		boss.post("/api/operator/kick", object{"connection": "odd"}).ok(nil) // accepted because one node did not reply: the connection may be on that node
	})
	t.Run("needs either a user or a connection, and the role", func(t *testing.T) {
		boss.post("/api/operator/kick", object{}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
		boss.post("/api/operator/kick", object{"user": ann.ID, "connection": "c-1"}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
		boss.post("/api/operator/kick", object{"user": 4711}).expectFailure(http.StatusUnauthorized, "user_unavailable", "用户不存在或已被禁用")
		ann.post("/api/operator/kick", object{"user": boss.ID}).expectFailure(http.StatusForbidden, "forbidden", forbidden)
		ann.post("/api/operator/kick", object{"connection": "c-1"}).expectFailure(http.StatusForbidden, "forbidden", forbidden)
		d.post("/api/operator/kick", object{"user": ann.ID}).expectFailure(http.StatusUnauthorized, "token_missing", forbidden)
	})
	t.Run("the list of connections needs the role", func(t *testing.T) {
		filters = nil
		var got api.Connections
		boss.get("/api/operator/sockets?user=7&live=6&id=c-1").ok(&got)
		if got.Total != 1 || got.Nodes != 2 || len(got.Sockets) != 1 || !slices.Equal(filters, []api.ConnectionFilter{{ID: "c-1", User: 7, Live: 6}}) {
			t.Errorf("got %+v of %+v", got, filters)
		}
		ann.get("/api/operator/sockets").expectFailure(http.StatusForbidden, "forbidden", forbidden)
		d.get("/api/operator/sockets").expectFailure(http.StatusUnauthorized, "token_missing", forbidden)
	})
}

func TestBanUser(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	boss, ann := d.account("boss").grant(domain.RoleOperator), d.account("ann")
	first, second := ann.onAir("one"), ann.onAir("two")
	ann.post("/api/live/changestatus", object{"id": second, "type": "pause"}).ok(nil)
	third := ann.live("not begun")
	boss.post("/api/operator/ban", object{"user": ann.ID, "seconds": 3600, "reason": "cool down"}, "Idempotency-Key", "once").ok(nil)
	if e, _ := newest[domain.UserBanned](d); e.Reason != "cool down" || e.Until < time.Now().Unix()+3500 {
		t.Errorf("got %+v", e)
	}
	for live, status := range map[domain.LiveID]domain.Status{first: domain.StatusEnded, second: domain.StatusEnded, third: domain.StatusNotStarted} {
		if l, err := d.queries.Live(t.Context(), live); err != nil || l.Status != status {
			t.Errorf("live %d: %+v, %v, want %v", live, l.Status, err, status)
		}
	}
	ann.get("/api/user/info").expectFailure(http.StatusForbidden, "banned", forbidden)
	ann.post("/api/live/create", object{"title": "x", "cover": ""}).expectFailure(http.StatusForbidden, "banned", forbidden)
	d.post("/api/login", map[string]string{"username": "ann", "password": testPassword}).expectFailure(http.StatusForbidden, "banned", forbidden)
	before := d.position()
	boss.post("/api/operator/ban", object{"user": ann.ID, "seconds": 3600, "reason": "cool down"}, "Idempotency-Key", "once").ok(nil)
	if d.position() != before {
		t.Error("the command of one idempotency key was executed twice")
	}
	ann.post("/api/operator/unban", object{"user": ann.ID}).expectFailure(http.StatusForbidden, "banned", forbidden)
	boss.post("/api/operator/unban", object{"user": ann.ID}).ok(nil)
	ann.get("/api/user/info").ok(nil) // a ban does not end the sign-in session
	ann.post("/api/operator/ban", object{"user": boss.ID}).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	boss.post("/api/operator/ban", object{"user": ann.ID, "seconds": -1}).expectFailure(http.StatusBadRequest, "number_out_of_range", "参数错误")
}

func TestBanViewer(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	boss, ann, bob := d.account("boss").grant(domain.RoleOperator), d.account("ann"), d.account("bob")
	live := ann.onAir("one")
	ban, unban := object{"id": live, "user": bob.ID, "reason": "be kind"}, object{"id": live, "user": bob.ID}
	ann.post("/api/live/ban", ban).ok(nil)
	if e, actor := newest[domain.ViewerBanned](d); e.User != bob.ID || e.Live != live || actor != domain.AuthenticatedActor(ann.ID, "").String() {
		t.Errorf("%+v by %s", e, actor)
	}
	bob.post("/api/live/unban", unban).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	boss.post("/api/live/unban", unban).ok(nil)
	if _, actor := newest[domain.ViewerUnbanned](d); actor != domain.AuthenticatedActor(boss.ID, "").String() {
		t.Errorf("by %s", actor)
	}
	bob.post("/api/live/ban", object{"id": live, "user": ann.ID}).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	ann.post("/api/live/ban", object{"id": live, "user": ann.ID}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
}

func TestOperatorEndsAnyLive(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	boss, ann := d.account("boss").grant(domain.RoleOperator), d.account("ann")
	live := ann.onAir("one")
	boss.post("/api/live/changestatus", object{"id": live, "type": "pause"}).expectFailure(http.StatusNotFound, "live_not_found", "该"+textNoLive)
	boss.post("/api/live/changestatus", object{"id": live, "type": "stop"}).ok(nil)
	if e, actor := newest[domain.LiveStatusChanged](d); e.To != domain.StatusEnded || e.Streamer != ann.ID || actor != domain.AuthenticatedActor(boss.ID, "").String() {
		t.Errorf("%+v by %s", e, actor)
	}
	ann.post("/api/live/changestatus", object{"id": live, "type": "play"}).expectFailure(http.StatusConflict, "live_ended", "该直播间已结束")
}

func TestModerators(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	boss, ann, bob, cat := d.account("boss").grant(domain.RoleOperator), d.account("ann"), d.account("bob"), d.account("cat")
	live := ann.onAir("one")
	about := func(a account) object { return object{"id": live, "user": a.ID, "reason": "a reason"} }
	bob.post("/api/live/mute", about(cat)).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	bob.post("/api/live/moderator/appoint", about(bob)).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	ann.post("/api/live/moderator/appoint", about(bob)).ok(nil)
	posted := cat.command(domain.PostComment{Live: live, Text: "coins at half the price"}).Events[0]
	cat.command(domain.PostComment{Live: live, Text: "and gifts"})
	bob.post("/api/live/mute", object{"id": live, "user": cat.ID, "seconds": 60, "reason": "a reason"}).ok(nil)
	bob.post("/api/live/unmute", about(cat)).ok(nil)
	bob.post("/api/live/comment/remove", object{"id": live, "comment": 4711}).expectFailure(http.StatusNotFound, "comment_not_found", "评论不存在或已删除")
	bob.post("/api/live/comment/remove", object{"id": live, "comment": posted.Position, "reason": "advertising"}).ok(nil)
	bob.post("/api/live/comment/remove", object{"id": live, "comment": posted.Position}).expectFailure(http.StatusNotFound, "comment_not_found", "评论不存在或已删除")
	bob.post("/api/live/mode", object{"id": live, "mode": "slow", "value": 30, "seconds": 600}).ok(nil)
	bob.post("/api/live/mode", object{"id": live, "mode": "slow", "value": 3601}).expectFailure(http.StatusBadRequest, "number_out_of_range", "参数错误")
	path := "/api/live/" + strconv.FormatInt(int64(live), 10)
	atPosition := func(position int64) (at struct {
		Comments []struct {
			Position int64
			Content  string
			Removed  bool
		}
		Moderators []domain.UserID
		Modes      []struct{ Mode string }
	}) {
		ann.get(path + "/at?position=" + strconv.FormatInt(position, 10)).ok(&at)
		return at
	}
	if at := atPosition(posted.Position); len(at.Comments) != 1 || at.Comments[0].Content != "" || !at.Comments[0].Removed || len(at.Moderators) != 1 || len(at.Modes) != 0 {
		t.Errorf("at the comment: got %+v, want its content left out", at)
	}
	if at := atPosition(d.position()); len(at.Comments) != 1 || at.Comments[0].Content != "and gifts" || len(at.Modes) != 1 || at.Modes[0].Mode != "slow" {
		t.Errorf("now: got %+v, want one comment and a mode", at)
	}
	bob.post("/api/live/comment/clear", about(cat)).ok(nil)
	var comments struct{ Items []object }
	ann.get(path + "/comments").ok(&comments)
	if len(comments.Items) != 0 {
		t.Errorf("got the comments %+v, want none", comments.Items)
	}
	var read struct {
		Data struct {
			Moderators []struct{ ID domain.UserID }
			Modes      []struct {
				Mode  string
				Value int64
			}
		}
	}
	d.get("/api/live/read/" + strconv.FormatInt(int64(live), 10)).ok(&read)
	if r := read.Data; len(r.Moderators) != 1 || r.Moderators[0].ID != bob.ID || len(r.Modes) != 1 || r.Modes[0].Value != 30 {
		t.Errorf("got %+v", r)
	}
	ann.post("/api/live/moderator/remove", about(bob)).ok(nil)

	t.Run("their acts are listed for the owner, operators and the people concerned", func(t *testing.T) {
		type act struct {
			Act, Reason string
			By, User    *struct {
				ID   domain.UserID
				Name string
			}
			Until   *time.Time
			Comment int64
		}
		list := func(a account, query string) (names []string, acts []act) {
			var page struct{ Items []act }
			a.get(path + "/acts" + query).ok(&page)
			for _, i := range page.Items {
				names = append(names, i.Act)
			}
			return names, page.Items
		}
		all := []string{"moderator.removed", "comments.cleared", "live.mode_set", "comment.removed", "viewer.unmuted", "viewer.muted", "moderator.appointed"}
		for _, a := range []account{ann, boss} {
			if got, _ := list(a, ""); !slices.Equal(got, all) {
				t.Errorf("got %v, want %v", got, all)
			}
		}
		got, acts := list(cat, "")
		if !slices.Equal(got, []string{"comments.cleared", "comment.removed", "viewer.unmuted", "viewer.muted"}) {
			t.Errorf("got %v", got)
		}
		if last := acts[len(acts)-1]; last.By.ID != bob.ID || last.User.ID != cat.ID || last.Until == nil || last.Reason != "a reason" {
			t.Errorf("got %+v", last)
		}
		cat.get(path+"/acts?user="+strconv.FormatInt(int64(bob.ID), 10)).expectFailure(http.StatusForbidden, "forbidden", forbidden)
		if got, _ := list(ann, "?user="+strconv.FormatInt(int64(bob.ID), 10)); !slices.Equal(got, []string{"moderator.removed", "moderator.appointed"}) {
			t.Errorf("got %v", got)
		}
		d.operator(domain.ForgetUser{User: cat.ID})
		d.operator(domain.ForgetUser{User: bob.ID})
		d.eventually(func() error {
			_, acts := list(ann, "")
			if a := acts[5]; a.By.Name != "erased" || a.User.Name != "erased" || a.Reason != "erased" {
				return fmt.Errorf("got %+v by %+v about %+v, want erased people", a, a.By, a.User)
			}
			return nil
		})
	})
}

func TestWords(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	boss, ann, bob := d.account("boss").grant(domain.RoleOperator), d.account("ann"), d.account("bob")
	live := ann.onAir("one")
	words := object{"id": live, "words": []string{"spam"}, "act": "refuse", "exact": true}
	bob.post("/api/live/words/add", words).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	ann.post("/api/live/words/add", words).ok(nil)
	ann.post("/api/live/words/add", object{"words": []string{"spam"}, "act": "refuse"}).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	boss.post("/api/live/words/add", object{"words": []string{"hate"}, "act": "mask"}).ok(nil)
	type word struct {
		Word, Act string
		Exact     bool
	}
	var got []word
	ann.get("/api/live/" + strconv.FormatInt(int64(live), 10) + "/words").ok(&got)
	if !slices.Equal(got, []word{{"spam", "refuse", true}}) {
		t.Errorf("got %+v", got)
	}
	list := "/api/live/" + strconv.FormatInt(int64(live), 10) + "/words"
	bob.get(list).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	bob.get("/api/live/99/words").expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	ann.post("/api/live/moderator/appoint", object{"id": live, "user": bob.ID}).ok(nil)
	bob.get(list).ok(&got)
	if !slices.Equal(got, []word{{"spam", "refuse", true}}) {
		t.Errorf("got %+v", got)
	}
	bob.post("/api/live/words/add", object{"id": live, "words": []string{"spoiler"}, "act": "hold"}).ok(nil)
	bob.post("/api/live/words/remove", object{"id": live, "words": []string{"spoiler"}}).ok(nil)
	ann.post("/api/live/moderator/remove", object{"id": live, "user": bob.ID}).ok(nil)
	bob.get(list).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	boss.get(list).ok(&got)
	boss.get("/api/operator/words").ok(&got)
	if !slices.Equal(got, []word{{"hate", "mask", false}}) {
		t.Errorf("got %+v", got)
	}
	ann.get("/api/operator/words").expectFailure(http.StatusForbidden, "forbidden", forbidden)
	if e := bob.command(domain.PostComment{Live: live, Text: "we hate it"}).Events[0].Event.(domain.CommentPosted); e.Text != "we **** it" {
		t.Errorf("posted %q", e.Text)
	}
	ann.post("/api/live/words/remove", object{"id": live, "words": []string{"spam"}}).ok(nil)
	ann.get("/api/live/" + strconv.FormatInt(int64(live), 10) + "/words").ok(&got)
	if len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestListUsers(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	boss, ann, bob := d.account("boss").grant(domain.RoleOperator), d.account("ann"), d.account("bob")
	boss.post("/api/operator/ban", object{"user": bob.ID, "seconds": 3600}).ok(nil)
	type listed struct {
		User        struct{ ID domain.UserID }
		Username    string
		Roles       []string
		State       string
		BannedUntil *time.Time `json:"banned_until"`
	}
	find := func(query string) []listed {
		t.Helper()
		var got struct {
			Items []listed
			Next  int64
		}
		boss.get("/api/operator/users" + query).ok(&got)
		if got.Next != 0 {
			t.Errorf("%q: there is a next page %d of three users", query, got.Next)
		}
		return got.Items
	}
	if all := find(""); len(all) != 3 || !slices.Equal(all[0].Roles, []string{"operator"}) || all[1].State != "active" || all[2].State != "banned" || all[2].BannedUntil == nil {
		t.Errorf("got %+v", all)
	}
	for query, want := range map[string]domain.UserID{"?name=ANN": ann.ID, fmt.Sprintf("?user=%d", bob.ID): bob.ID, fmt.Sprintf("?after=%d", ann.ID): bob.ID} {
		if got := find(query); len(got) != 1 || got[0].User.ID != want {
			t.Errorf("%s: got %+v, want user %d", query, got, want)
		}
	}
	for _, query := range []string{"?name=nobody", "?user=4711", fmt.Sprintf("?after=%d", bob.ID)} {
		if got := find(query); len(got) != 0 {
			t.Errorf("%s: got %+v, want none", query, got)
		}
	}
	boss.get("/api/operator/users?name=ann&user=1").expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
	ann.get("/api/operator/users").expectFailure(http.StatusForbidden, "forbidden", forbidden)
	d.get("/api/operator/users").expectFailure(http.StatusUnauthorized, "token_missing", forbidden)
}

// TestForgottenPeopleInTheListsOfALive forgets a moderator, the user on whom everybody acts, and the user who reports. The lists keep
// their entries, but no name or text of these people, and what is open can still be decided.
func TestForgottenPeopleInTheListsOfALive(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	boss, ann, mod, troll, fan := d.account("boss").grant(domain.RoleOperator), d.account("ann"), d.account("moderatrix"), d.account("trollkin"), d.account("reportina")
	live := ann.onAir("one")
	path := "/api/live/" + strconv.FormatInt(int64(live), 10)
	on := func(user account, more object) object {
		body := object{"id": live, "user": user.ID}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	ann.post("/api/live/moderator/appoint", on(mod, nil)).ok(nil)
	ann.post("/api/live/words/add", object{"id": live, "words": []string{"giveaway"}, "act": "hold"}).ok(nil)
	for _, a := range []account{mod, troll, fan} {
		a.post("/api/user/follow", object{"user": ann.ID}).ok(nil)
		a.command(domain.JoinLive{Live: live, Node: "n1"})
	}
	insult := troll.command(domain.PostComment{Live: live, Text: "my secret insult"}).Position
	fan.command(domain.PostComment{Live: live, Text: "my secret answer"})
	for _, text := range []string{"a secret giveaway", "another secret giveaway"} {
		troll.command(domain.PostComment{Live: live, Text: text})
	}
	fan.post("/api/live/report", object{"id": live, "comment": insult, "cause": "other", "text": "a secret complaint"}).ok(nil)
	fan.post("/api/live/report", object{"id": live, "user": troll.ID, "cause": "spam", "text": "another secret complaint"}).ok(nil)
	mod.post("/api/live/report/claim", object{"id": live, "report": 1}).ok(nil)
	mod.post("/api/live/report/decide", object{"id": live, "report": 2, "decision": "upheld"}).ok(nil)
	mod.post("/api/live/warn", on(troll, object{"reason": "a secret warning"})).ok(nil)
	mod.post("/api/live/mute", on(troll, object{"reason": "a secret reason to mute"})).ok(nil)
	mod.post("/api/live/comment/drop", object{"id": live, "held": 1}).ok(nil)
	mod.post("/api/live/ban", on(troll, object{"reason": "a secret reason to ban"})).ok(nil)
	ann.post("/api/live/mute", on(fan, object{"reason": "a secret reason to mute"})).ok(nil)

	lists := map[string]account{
		path + "/acts": ann, path + "/acts?limit=100": boss, fmt.Sprint(path, "/acts?user=", troll.ID): ann, fmt.Sprint(path, "/acts?user=", mod.ID): ann,
		path + "/reports": ann, path + "/reports?decided=true": ann, "/api/operator/reports": boss, "/api/operator/reports?decided=true": boss,
		path + "/review": ann, path + "/comments": ann, path + "/viewers": ann, "/api/user/followers": ann, "/api/operator/users": boss,
	}
	items := func(path string) (n int, text string) {
		var page struct{ Items []any }
		answer := lists[path].get(path).ok(&page)
		return len(page.Items), string(answer.raw)
	}
	private := []string{"moderatrix", "trollkin", "reportina", "secret"}
	before := make(map[string]int)
	for path := range lists {
		n, text := items(path)
		if before[path] = n; n == 0 || !slices.ContainsFunc(private, func(s string) bool { return strings.Contains(text, s) }) {
			t.Errorf("%s has %d entries before, want some with names or texts: %s", path, n, text)
		}
	}
	for _, a := range []account{mod, troll, fan} {
		d.operator(domain.ForgetUser{User: a.ID})
	}
	others := []string{"/api/live/read/" + strconv.FormatInt(int64(live), 10), path + "/at?position=" + strconv.FormatInt(d.position(), 10)}
	d.eventually(func() error {
		for path := range lists {
			n, text := items(path)
			if want := before[path]; n != want && path != "/api/user/followers" { // who was forgotten follows nobody
				return fmt.Errorf("%s has %d entries, want %d: %s", path, n, want, text)
			}
			for _, s := range private {
				if strings.Contains(text, s) {
					return fmt.Errorf("%s still contains %s: %s", path, s, text)
				}
			}
		}
		for _, path := range others {
			text := string(ann.get(path).ok(nil).raw)
			for _, s := range private {
				if strings.Contains(text, s) {
					return fmt.Errorf("%s still contains %s: %s", path, s, text)
				}
			}
		}
		return nil
	})
	if n, text := items("/api/user/followers"); n != 0 {
		t.Errorf("%d followers are left: %s", n, text)
	}

	// What is open can be decided, and what was done can be ended.
	boss.post("/api/live/report/decide", object{"id": live, "report": 1, "decision": "rejected"}).ok(nil)
	ann.post("/api/live/comment/release", object{"id": live, "held": 2}).expectFailure(http.StatusUnauthorized, "user_unavailable", "用户不存在或已被禁用")
	ann.post("/api/live/comment/drop", object{"id": live, "held": 2}).ok(nil)
	ann.post("/api/live/comment/remove", object{"id": live, "comment": insult}).ok(nil)
	ann.post("/api/live/comment/clear", on(fan, nil)).ok(nil)
	ann.post("/api/live/unmute", on(fan, nil)).ok(nil)
	ann.post("/api/live/unban", on(troll, nil)).ok(nil)
	ann.post("/api/live/moderator/remove", on(mod, nil)).ok(nil)
	if n, _ := items(path + "/review"); n != 0 {
		t.Errorf("%d held comments are left", n)
	}
	if n, text := items(path + "/acts?limit=100"); n <= before[path+"/acts?limit=100"] {
		t.Errorf("the list of acts has %d entries: %s", n, text)
	}
}
