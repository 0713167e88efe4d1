package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
)

// part is a decoded page.
type part[T any] struct {
	Items  []T
	Cursor *string
}

type movementForm struct {
	Position        int64
	Amount, Balance int64
	Order           string
	Live, Gift      int64
	At              time.Time
}

func TestCoinHistory(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	gift, live := d.gift("Rose", 10), b.onAir("show")
	a.credit(100)
	for range 4 {
		a.command(domain.SendGift{Live: live, Gift: gift, Num: 2})
	}
	read := func(t *testing.T, by account, query string) part[movementForm] {
		t.Helper()
		var p part[movementForm]
		by.get("/api/coin/history"+query).ok(&p).keysOf("data", "items", "cursor")
		return p
	}
	amounts := func(p part[movementForm]) (all []int64) {
		for _, m := range p.Items {
			all = append(all, m.Amount)
		}
		return all
	}
	is := func(t *testing.T, p part[movementForm], want ...int64) {
		t.Helper()
		if got := amounts(p); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	t.Run("is of the caller, newest first", func(t *testing.T) {
		p := read(t, a, "")
		is(t, p, -20, -20, -20, -20, 100)
		newest, oldest := p.Items[0], p.Items[4]
		if newest.Balance != 20 || newest.Live != int64(live) || newest.Gift != int64(gift) || newest.Order != "" || newest.At.IsZero() {
			t.Errorf("newest %+v", newest)
		}
		if oldest.Balance != 100 || oldest.Order == "" || oldest.Live != 0 {
			t.Errorf("oldest %+v", oldest)
		}
		is(t, read(t, b, ""))
	})
	t.Run("shows the earnings of a streamer", func(t *testing.T) {
		is(t, read(t, b, "?account=earnings"), 20, 20, 20, 20)
	})
	t.Run("continues with cursors in both directions", func(t *testing.T) {
		first := read(t, a, "?limit=2")
		second := read(t, a, "?limit=2&before="+*first.Cursor)
		third := read(t, a, "?limit=2&before="+*second.Cursor)
		is(t, first, -20, -20)
		is(t, second, -20, -20)
		is(t, third, 100)
		if end := read(t, a, "?limit=2&before="+*third.Cursor); len(end.Items) != 0 || end.Cursor != nil {
			t.Fatalf("after the end: %+v", end)
		}
		forward := read(t, a, "?limit=3&after=0")
		is(t, forward, 100, -20, -20)
		is(t, read(t, a, "?after="+*forward.Cursor), -20, -20)
	})
	t.Run("of another user needs the role auditor", func(t *testing.T) {
		other := fmt.Sprintf("?user=%d", a.ID)
		b.get("/api/coin/history"+other).expectFailure(403, domain.CodeForbidden, textNoToken)
		b.grant(domain.RoleAnalyst).get("/api/coin/history"+other).expectFailure(403, domain.CodeForbidden, textNoToken)
		is(t, read(t, b.grant(domain.RoleAuditor), other), -20, -20, -20, -20, 100)
		is(t, read(t, b, "?user=999"))
		is(t, read(t, a, other), -20, -20, -20, -20, 100)
	})
	t.Run("is bounded by positions, cursors and times", func(t *testing.T) {
		all := read(t, a, "?after=0").Items
		at := func(i int) string { return url.QueryEscape(all[i].At.Format(time.RFC3339Nano)) }
		is(t, read(t, a, fmt.Sprintf("?from=%d&to=%d", all[1].Position, all[3].Position)), -20, -20, -20)
		is(t, read(t, a, fmt.Sprintf("?from=%d&to=%[1]d", all[0].Position)), 100)
		is(t, read(t, a, fmt.Sprintf("?to=%d", all[0].Position)), 100)
		is(t, read(t, a, "?from="+at(0)+"&to="+at(2)), -20, 100)
		is(t, read(t, a, "?to=2001-01-01"))
		first := read(t, a, fmt.Sprintf("?limit=2&from=%d", all[1].Position))
		is(t, first, -20, -20)
		is(t, read(t, a, fmt.Sprintf("?before=%s&from=%d", *first.Cursor, all[1].Position)), -20, -20)
		is(t, read(t, a, fmt.Sprintf("?after=0&from=%s", *first.Cursor)), -20, -20)
	})
	refusesBadPeriods(a, "/api/coin/history?")
	refusesBadWindows(a, "/api/coin/history?")
	a.get("/api/coin/history?account=bank").expectFailure(400, domain.CodeBadRequest, textBad)
	a.get("/api/coin/history?user=x").expectFailure(400, domain.CodeBadRequest, textBad)
}

// refusesBadPeriods sends invalid bounds. Each refusal names the parameter and what it accepts.
func refusesBadPeriods(a account, path string) {
	a.Helper()
	for query, want := range map[string]string{
		"from=5&to=4":                           "from must not be after to",
		"from=2001-01-02&to=2001-01-01":         "from must not be after to",
		"from=4&to=2001-01-01":                  "from and to must both be positions or cursors, or both be times or days",
		"from=2001-01-01&to=4":                  "from and to must both be positions or cursors, or both be times or days",
		"from=0":                                "from must be a position like 4711",
		"to=yesterday":                          "to must be a position like 4711",
		"from=99999":                            "from must be at most",
		"to=99999":                              "to must be at most",
		"from=2999-01-01":                       "from must not be in the future",
		"until=5":                               "there is no query parameter",
		"from=" + strings.Repeat("1", 40):       "from must be a position like 4711",
		"from=2026-01-01T00:00:00+01:00&to=4.5": "write + as %2B",
		"from=2026-01-01&to=4.5":                "to must be a position like 4711",
	} {
		if got := a.get(path + query); got.status != 400 || !strings.Contains(string(got.raw), want) {
			a.Errorf("%s%s: got %d %s, want %q", path, query, got.status, got.raw, want)
		}
	}
	for _, query := range []string{"from=1.00000000", "to=1.00000000", "from=99999.00000000"} {
		a.get(path+query).expectFailure(409, "cursor_lost", textBad)
	}
}

// refusesBadWindows sends invalid values of the parameters that select a page.
func refusesBadWindows(a account, path string) {
	a.Helper()
	cursor := "1.00000000"
	for _, query := range []string{"limit=0", "limit=501", "limit=x", "limit=-1", "after=0&before=0"} {
		a.get(path+query).expectFailure(400, domain.CodeBadRequest, textBad)
	}
	for _, query := range []string{"after=x", "before=x", "after=1", "before=-1"} {
		a.get(path+query).expectFailure(400, "cursor_invalid", textBad)
	}
	a.get(path+"after="+cursor).expectFailure(409, "cursor_lost", textBad)
	a.get(path+"before="+cursor).expectFailure(409, "cursor_lost", textBad)
}

type givenForm struct {
	ID                   string
	Position             int64
	Live, Streamer, Gift int64
	Sender               struct{ ID int64 }
	Name                 string
	Price, Num, Coin     int64
	At                   time.Time
}

func TestGiftHistory(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b, c := d.account("alice"), d.account("bob"), d.account("carol")
	rose, car := d.gift("Rose", 10), d.gift("Car", 50)
	own, other := b.onAir("bob's"), c.onAir("carol's")
	a.credit(1000)
	a.command(domain.SendGift{Live: own, Gift: rose, Num: 1})
	a.command(domain.SendGift{Live: other, Gift: car, Num: 2})
	between := time.Now()
	a.command(domain.SendGift{Live: own, Gift: car, Num: 3})
	read := func(t *testing.T, by account, query string, want ...int64) []givenForm {
		t.Helper()
		var p part[givenForm]
		by.get("/api/gift/history" + query).ok(&p)
		var got []int64
		for _, g := range p.Items {
			got = append(got, g.Num)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s: numbers %v, want %v", query, got, want)
		}
		return p.Items
	}
	t.Run("shows the gifts of a streamer's lives", func(t *testing.T) {
		g := read(t, b, "", 3, 1)[0]
		if g.Live != int64(own) || g.Streamer != int64(b.ID) || g.Sender.ID != int64(a.ID) || g.Gift != int64(car) || g.Name != "Car" || g.Price != 50 || g.Coin != 150 || len(g.ID) != 10 {
			t.Fatalf("got %+v", g)
		}
		read(t, b, fmt.Sprintf("?live=%d", own), 3, 1)
		read(t, c, "", 2)
		read(t, a, "")
		b.get(fmt.Sprintf("/api/gift/history?live=%d", other)).expectFailure(403, domain.CodeForbidden, textNoToken)
		b.get("/api/gift/history?live=999").expectFailure(404, domain.CodeLiveNotFound, "直播间不存在")
	})
	t.Run("shows all gifts to auditors", func(t *testing.T) {
		auditor := d.account("dave").grant(domain.RoleAuditor)
		at := url.QueryEscape(between.Format(time.RFC3339Nano))
		read(t, auditor, "", 3, 2, 1)
		read(t, auditor, "?after=0&limit=2", 1, 2)
		read(t, auditor, fmt.Sprintf("?live=%d", other), 2)
		read(t, auditor, fmt.Sprintf("?sender=%d", a.ID), 3, 2, 1)
		read(t, auditor, fmt.Sprintf("?sender=%d", b.ID))
		read(t, auditor, fmt.Sprintf("?gift=%d", car), 3, 2)
		read(t, auditor, fmt.Sprintf("?gift=%d&live=%d", car, own), 3)
		read(t, auditor, "?from="+at, 3)
		read(t, auditor, "?to="+at, 2, 1)
		read(t, auditor, "?from="+at+"&to=2999-01-01", 3)
		all := read(t, auditor, "?after=0", 1, 2, 3)
		read(t, auditor, fmt.Sprintf("?from=%d", all[1].Position), 3, 2)
		read(t, auditor, fmt.Sprintf("?from=%d&to=%[1]d", all[1].Position), 2)
		read(t, auditor, fmt.Sprintf("?after=0&to=%d&live=%d", all[2].Position-1, own), 1)
		read(t, auditor, fmt.Sprintf("?from=%d&sender=%d&limit=1", all[0].Position, a.ID), 3)
	})
	refusesBadPeriods(b, "/api/gift/history?")
	refusesBadWindows(b, "/api/gift/history?")
	for _, query := range []string{"live=x", "sender=x", "gift=x"} {
		b.get("/api/gift/history?"+query).expectFailure(400, domain.CodeBadRequest, textBad)
	}
}

func TestViewersAndComments(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b, c := d.account("alice"), d.account("bob"), d.account("carol")
	live := a.onAir("show")
	path := fmt.Sprintf("/api/live/%d", live)
	b.command(domain.JoinLive{Live: live, Node: "p"})
	c.command(domain.JoinLive{Live: live, Node: "p"})
	d.execute(domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveLive{Live: live, User: b.ID, Cause: domain.LeaveRequested, Node: "p"}})
	b.command(domain.PostComment{Live: live, Text: "first"})
	c.command(domain.PostComment{Live: live, Text: "second"})

	type viewerForm struct {
		User     struct{ ID domain.UserID }
		Present  bool
		JoinedAt time.Time  `json:"joined_at"`
		LeftAt   *time.Time `json:"left_at"`
		Cause    string
	}
	var viewers part[viewerForm]
	a.get(path + "/viewers").ok(&viewers)
	if v := viewers.Items; len(v) != 2 || v[0].User.ID != c.ID || !v[0].Present || v[0].LeftAt != nil || v[1].User.ID != b.ID || v[1].Present || v[1].LeftAt == nil || v[1].Cause != "requested" {
		t.Fatalf("viewers %+v", v)
	}
	a.get(path + "/viewers?present=true").ok(&viewers)
	if v := viewers.Items; len(v) != 1 || v[0].User.ID != c.ID {
		t.Fatalf("present %+v, want 1 element, v[0].User.ID %v", v, c.ID)
	}
	a.get(path + "/viewers?after=0&limit=1").ok(&viewers)
	if v := viewers.Items; len(v) != 1 || v[0].User.ID != b.ID {
		t.Fatalf("oldest %+v, want 1 element, v[0].User.ID %v", v, b.ID)
	}
	a.get(path + "/viewers?after=" + *viewers.Cursor).ok(&viewers)
	if v := viewers.Items; len(v) != 1 || v[0].User.ID != c.ID {
		t.Fatalf("next %+v, want 1 element, v[0].User.ID %v", v, c.ID)
	}

	var comments part[struct {
		ID      string
		Content string
		User    struct {
			ID   domain.UserID
			Name string
		}
	}]
	a.get(path+"/comments").ok(&comments).keysOf("data items [0]", "id", "position", "user", "content", "at")
	if s := comments.Items; len(s) != 2 || s[0].Content != "second" || s[0].User.ID != c.ID || s[0].User.Name != "carol" || len(s[0].ID) != 10 || s[1].Content != "first" {
		t.Fatalf("comments %+v", s)
	}
	a.get(fmt.Sprintf("%s/comments?user=%d", path, b.ID)).ok(&comments)
	if s := comments.Items; len(s) != 1 || s[0].Content != "first" {
		t.Fatalf(`bob's %+v, want 1 element, s[0].Content "first"`, s)
	}
	for _, what := range []string{"/viewers", "/comments"} {
		b.get(path+what).expectFailure(403, domain.CodeForbidden, textNoToken)
		a.get("/api/live/999"+what).expectFailure(404, domain.CodeLiveNotFound, "直播间不存在")
		a.get("/api/live/x"+what).expectFailure(400, domain.CodeBadRequest, textBad)
		refusesBadWindows(a, path+what+"?")
	}
	b.grant(domain.RoleAuditor)
	b.get(path + "/viewers").ok(nil)
	b.get(path + "/comments").ok(nil)
}

// TestLiveAt checks what the owner of a live, analysts and other users receive of its past, and the refusals of the
// parameters.
func TestLiveAt(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b, c := d.account("alice"), d.account("bob"), d.account("carol")
	gift, live := d.gift("Rose", 10), a.onAir("show")
	b.credit(100)
	b.command(domain.JoinLive{Live: live, Node: "n"})
	b.command(domain.SendGift{Live: live, Gift: gift, Num: 3})
	then := b.command(domain.PostComment{Live: live, Text: "hello"}).Position
	b.command(domain.SendGift{Live: live, Gift: gift, Num: 1})
	a.command(domain.ChangeLiveStatus{Live: live, To: domain.LiveStop})

	type past struct {
		Position, Coins, Gifts, Online int64
		Title                          string
		Status                         domain.Status
		Comments                       []struct{ Content string }
		Withheld                       []string
	}
	path := fmt.Sprintf("/api/live/%d/at?", live)
	var got past
	a.get(path+fmt.Sprintf("position=%d", then)).ok(&got).keysOf("data comments [0]", "position", "user", "content", "at")
	if got.Position != then || got.Coins != 30 || got.Gifts != 3 || got.Online != 1 || got.Title != "show" || got.Status != domain.StatusOnAir || got.Comments[0].Content != "hello" {
		t.Errorf("got %+v, want the live after the comment at %d", got, then)
	}
	end := url.QueryEscape(time.Now().Add(-time.Hour).Format(time.RFC3339))
	a.get(path+"time="+end).expectFailure(404, domain.CodeLiveNotFound, "直播间不存在")
	c.get(path+"position=5").expectFailure(403, domain.CodeForbidden, textNoToken)
	c.grant(domain.RoleAnalyst)
	got = past{}
	c.get(path + fmt.Sprintf("position=%d", then)).ok(&got)
	if got.Coins != 30 || got.Title != "" || len(got.Comments) != 1 || got.Comments[0].Content != "" || len(got.Withheld) != 3 {
		t.Errorf("an analyst got %+v, want no texts", got)
	}
	c.grant(domain.RolePersonal)
	c.get(path + fmt.Sprintf("position=%d", then)).ok(&got)
	if got.Title != "show" || got.Comments[0].Content != "hello" {
		t.Errorf("an analyst with the role personal got %+v, want all texts", got)
	}
	for _, bad := range []string{
		"", "position=0", "position=-1", "position=99999999", "position=x", "position=1&time=2026-01-01", "time=", "time=now", "time=7", "time=yesterday",
		"time=2999-01-01", "position=5&from=3",
	} {
		a.get(path+bad).expectFailure(400, domain.CodeBadRequest, textBad)
	}
	a.get("/api/live/999/at?position=1").expectFailure(404, domain.CodeLiveNotFound, "直播间不存在")
}
