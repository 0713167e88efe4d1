package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/domain"
)

// TestPage serves the page with its preview, and the documentation instead if the page is off.
func TestPage(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.PublicURL = "https://live.example" })
	ann := d.account("ann")
	live := ann.live("An <b>evening</b>")
	html := string(d.get(fmt.Sprint("/watch/", live)).raw)
	for _, want := range []string{`og:title" content="An &lt;b&gt;evening&lt;/b&gt;"`, fmt.Sprintf(`og:url" content="https://live.example/watch/%d"`, live), `og:description" content="ann"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s:\n%s", want, html)
		}
	}
	for _, path := range []string{"/", "/past", "/studio", "/studio/1", "/desk", "/desk/gifts", "/me", "/replay/1", "/watch/999", "/watch/x"} {
		if got := d.get(path); got.status != http.StatusOK || strings.Contains(string(got.raw), "og:title") || got.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d, want the page without a preview", path, got.status)
		}
	}
	off := startAPI(t, func(c *api.Config) { c.NoPage = true })
	if got := off.get("/"); got.status != http.StatusFound || got.header.Get("Location") != "/docs" {
		t.Errorf("/ without the page: %d, want a redirect to the documentation", got.status)
	}
	off.get("/studio").expectFailure(http.StatusNotFound, "no_such_endpoint", "接口不存在")
}

// foundForm is a page of a list of lives in a response.
type foundForm struct {
	Items []struct {
		ID       domain.LiveID
		Title    string
		Snapshot string
		Streamer struct{ Name string }
	}
	Next domain.LiveID
}

func (f foundForm) titles() (titles []string) {
	for _, item := range f.Items {
		titles = append(titles, item.Title)
	}
	return titles
}

// TestFindLives lists lives with a running stream, past lives with a recording, and the caller's lives.
func TestFindLives(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.MediaURL = "https://media.example" })
	ann, bert := d.account("ann"), d.account("bert")
	for i, title := range []string{"Sea", "Mountains", "SEAside", "Night"} {
		owner := []account{ann, bert}[i%2]
		id := owner.onAir(title)
		if title == "Mountains" {
			continue // on air without a stream
		}
		broadcast := domain.BroadcastID(fmt.Sprint("b", id))
		d.systemCommand(domain.StartBroadcast{Live: id, Broadcast: broadcast, Node: "n", Media: domain.MediaInfo{Video: "h264", Width: 640, Height: 360}})
	}
	var found foundForm
	list := func(who func(string, ...string) reply, query string, want ...string) {
		t.Helper()
		d.eventually(func() error { // the list is up to a second old
			found = foundForm{}
			who("/api/live/find" + query).ok(&found)
			if !slices.Equal(found.titles(), want) {
				return fmt.Errorf("%s lists %q, want %q", query, found.titles(), want)
			}
			return nil
		})
	}
	list(d.get, "", "Night", "SEAside", "Sea")
	if first := found.Items[0]; !strings.HasPrefix(first.Snapshot, "https://media.example/live/") || !strings.Contains(first.Snapshot, "/snapshot.jpg?sign=play-") || first.Streamer.Name != "bert" {
		t.Errorf("the first live is %+v", first)
	}
	list(d.get, "?of=on_air&text=sea", "SEAside", "Sea")
	list(d.get, "?text=BERT", "Night")
	list(d.get, "?text=nothing")
	list(ann.get, "?of=own", "SEAside", "Sea")
	list(ann.get, "?of=own&before=3", "Sea")
	list(d.get, "?of=past")
	began := time.Now().Add(-time.Minute)
	d.systemCommand(domain.FinishRecording{Live: 1, Recording: "r1", Cause: "stopped", StartedAt: began, EndedAt: began.Add(time.Second), DurationMS: 1000, Bytes: 9000,
		Parts: []domain.RecordingPart{{File: "part-0001.mp4", StartedAt: began, DurationMS: 1000, Bytes: 8000}}})
	ann.post("/api/live/changestatus", object{"id": 1, "type": "stop"}).ok(nil)
	list(d.get, "?of=past", "Sea")
	list(d.get, "?of=past&before=9007199254740991", "Sea") // the ids that no live has are not looked at
	list(d.get, "?of=past&before=1")
	list(d.get, "", "Night", "SEAside")
	d.get("/api/live/find?of=own").expectFailure(http.StatusUnauthorized, domain.CodeTokenMissing, "您没有权限访问该接口!")
	for _, query := range []string{"?of=mine", "?of=own&text=x", "?before=3", "?before=0", "?of=past&before=-1", "?of=past&before=9007199254740992", "?text=" + strings.Repeat("x", 101), "?page=1"} {
		if got := d.get("/api/live/find" + query); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d, want 400", query, got.status)
		}
	}
}

// TestTestPayments pays an order without money only if the server permits it, and only the user's own order.
func TestTestPayments(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.TestPayments = true })
	ann, bert := d.account("ann"), d.account("bert")
	o := ann.order(5)
	pay := object{"order": o.Order, "price": 5}
	if got := bert.post("/api/gift/testpay", pay); got.status == http.StatusOK {
		t.Error("another user has paid the order")
	}
	if got := ann.post("/api/gift/testpay", object{"order": o.Order, "price": 4}); got.status == http.StatusOK {
		t.Error("the order was paid at another price")
	}
	for range 2 {
		ann.post("/api/gift/testpay", pay).ok(nil)
	}
	if coins := ann.coins(); coins != 50 {
		t.Errorf("the user has %d coins, want 50", coins)
	}
	off := startAPI(t)
	carl := off.account("carl")
	if got := carl.post("/api/gift/testpay", object{"order": carl.order(5).Order, "price": 5}).envelope(); got.Code != domain.CodeForbidden {
		t.Errorf("without --test-payments: %+v", got)
	}
}

// TestUserRoles lists the roles of the caller.
func TestUserRoles(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	ann := d.account("ann")
	var has struct{ Roles []domain.Role }
	if ann.get("/api/user/roles").ok(&has); len(has.Roles) != 0 {
		t.Errorf("roles %q, want none", has.Roles)
	}
	ann.grant(domain.RoleAuditor).get("/api/user/roles").ok(&has)
	if !slices.Equal(has.Roles, []domain.Role{domain.RoleAuditor}) {
		t.Errorf("roles %q, want auditor", has.Roles)
	}
}
