package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"roomlog/api"
	"roomlog/domain"
)

const textLivePassword = "该直播间需要密码"

// TestLiveWithAPassword creates a live with a password, guesses it, and enters.
func TestLiveWithAPassword(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.WrongPasswordsPerDevice = 3 })
	ann, bob := d.account("ann"), d.account("bob")
	ann.post("/api/live/create", object{"title": "songs", "cover": "", "access": "password"}).expectFailure(http.StatusBadRequest, "password_too_short", "密码至少6个字符")
	ann.post("/api/live/create", object{"title": "songs", "cover": "", "password": "correct horse"}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
	var created struct{ Data struct{ ID domain.LiveID } }
	ann.post("/api/live/create", object{"title": "songs", "cover": "", "access": "password", "password": "correct horse"}).ok(&created)
	live := created.Data.ID
	read, recordings := fmt.Sprintf("/api/live/read/%d", live), fmt.Sprintf("/api/live/%d/recordings", live)
	access := func(by interface {
		get(string, ...string) reply
	}, allowed bool, code string) {
		t.Helper()
		var got struct {
			Access   string
			Allowed  bool
			Code     string
			Streamer *struct{ Name string }
		}
		by.get(fmt.Sprintf("/api/live/%d/access", live)).ok(&got)
		if got.Access != "password" || got.Allowed != allowed || got.Code != code || got.Streamer == nil || got.Streamer.Name != "ann" {
			t.Errorf("got %+v", got)
		}
	}
	access(d, false, "live_password")
	access(ann, true, "")
	for _, path := range []string{read, recordings} {
		bob.get(path).expectFailure(http.StatusForbidden, "live_password", textLivePassword)
		d.get(path).expectFailure(http.StatusForbidden, "live_password", textLivePassword)
		ann.get(path).ok(nil)
	}
	if page := d.get(fmt.Sprintf("/watch/%d", live)); strings.Contains(string(page.raw), "songs") {
		t.Errorf("the page shows the title: %s", page.raw)
	}
	enter := func(secret string) reply { return bob.post("/api/live/enter", object{"id": live, "password": secret}) }
	refused, limited := 0, 0
	for i := range 100 {
		switch a := enter(fmt.Sprint("guess number ", i)); a.envelope().Code {
		case "live_password_wrong":
			refused++
		case "rate_limited":
			limited++
			if a.header.Get("Retry-After") == "" {
				t.Errorf("no time to wait: %v", a.header)
			}
		default:
			t.Fatalf("got %s", a.raw)
		}
	}
	if refused != 3 || limited != 97 {
		t.Errorf("%d guesses were checked and %d refused, want 3 and 97", refused, limited)
	}
	cat := d.account("cat")
	cat.post("/api/live/enter", object{"id": live, "password": "correct horse"}).ok(nil)
	access(cat, true, "")
	cat.get(read).ok(nil)
	d.post("/api/live/enter", object{"id": live, "password": "correct horse"}).expectFailure(http.StatusUnauthorized, "token_missing", forbidden)
	cat.post("/api/live/enter", object{"id": live}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
	ann.post("/api/live/access", object{"id": live, "access": "password", "password": "another horse"}).ok(nil)
	cat.get(read).expectFailure(http.StatusForbidden, "live_password", textLivePassword)
	bob.post("/api/live/access", object{"id": live, "access": "open"}).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	ann.post("/api/live/access", object{"id": live, "access": "open"}).ok(nil)
	bob.get(read).ok(nil)
	e, _ := newest[domain.LiveAccessSet](d)
	if e.Access != domain.AccessOpen || e.Credential != "" {
		t.Errorf("got %+v", e)
	}
}

// TestInvitationLinks creates, lists, uses and revokes invitations.
func TestInvitationLinks(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	ann, bob, cat := d.account("ann"), d.account("bob"), d.account("cat")
	live, other := ann.onAir("songs"), ann.onAir("other")
	ann.post("/api/live/access", object{"id": live, "access": "invited"}).ok(nil)
	var list []api.Live
	d.get("/api/live/list/1").ok(&list)
	if len(list) != 1 || list[0].ID != other {
		t.Errorf("got %+v", list)
	}
	var created struct {
		Invitation int64
		Secret     string
	}
	ann.post("/api/live/invitation/create", object{"id": live, "uses": 1, "seconds": 600}).ok(&created)
	use := func(live domain.LiveID) object { return object{"id": live, "invitation": created.Secret} }
	bob.post("/api/live/enter", use(other)).expectFailure(http.StatusNotFound, "invitation_not_found", "邀请不存在或已撤销")
	bob.post("/api/live/enter", use(live)).ok(nil)
	bob.post("/api/live/enter", use(live)).ok(nil)
	cat.post("/api/live/enter", use(live)).expectFailure(http.StatusConflict, "invitation_closed", "邀请已过期或已用完")
	read := fmt.Sprintf("/api/live/read/%d", live)
	bob.get(read).ok(nil)
	cat.get(read).expectFailure(http.StatusForbidden, "live_invited", "该直播间仅限受邀用户")
	for by, hidden := range map[*account]bool{&bob: false, &cat: true} { // lists do not contain the live
		if answer := by.get(fmt.Sprintf("/api/live/%d/access", live)).ok(nil); strings.Contains(string(answer.raw), `"streamer":null`) != hidden {
			t.Errorf("got %s, want hidden %v", answer.raw, hidden)
		}
	}
	var invitations []struct{ ID, Uses, Used int64 }
	path := fmt.Sprintf("/api/live/%d/invitations", live)
	if answer := ann.get(path).ok(&invitations); len(invitations) != 1 || invitations[0].Used != 1 || strings.Contains(string(answer.raw), created.Secret) {
		t.Errorf("got %+v", invitations)
	}
	bob.get(path).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	ann.post("/api/live/invitation/revoke", object{"id": live, "invitation": created.Invitation}).ok(nil)
	bob.get(read).expectFailure(http.StatusForbidden, "live_invited", "该直播间仅限受邀用户")
	ann.post("/api/live/invitation/create", object{"id": live, "uses": 0}).expectFailure(http.StatusBadRequest, "number_out_of_range", "参数错误")
}
