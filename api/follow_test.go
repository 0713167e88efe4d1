package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"roomlog/domain"
)

func TestFollow(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	ann, bob := d.account("ann"), d.account("bob")
	live := ann.onAir("songs")
	follow := object{"user": ann.ID}
	bob.post("/api/user/follow", follow).ok(nil)
	bob.post("/api/user/follow", follow).ok(nil)
	bob.post("/api/user/follow", object{"user": bob.ID}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
	bob.post("/api/user/follow", object{"user": 4711}).expectFailure(http.StatusUnauthorized, "user_unavailable", "用户不存在或已被禁用")
	d.post("/api/user/follow", follow).expectFailure(http.StatusUnauthorized, "token_missing", forbidden)
	type list struct {
		Items []struct{ User struct{ ID domain.UserID } }
	}
	var following, followers list
	bob.get("/api/user/following").ok(&following)
	ann.get("/api/user/followers").ok(&followers)
	if len(following.Items) != 1 || following.Items[0].User.ID != ann.ID || len(followers.Items) != 1 || followers.Items[0].User.ID != bob.ID {
		t.Errorf("got %+v and %+v", following, followers)
	}
	count := func(want int64, following bool) {
		t.Helper()
		var got struct {
			Followers int64
			Following bool
		}
		bob.get(fmt.Sprintf("/api/user/%d/followers", ann.ID)).ok(&got)
		if got.Followers != want || got.Following != following {
			t.Errorf("got %+v, want %d %v", got, want, following)
		}
	}
	count(1, true)
	var lives struct{ Items []struct{ ID domain.LiveID } }
	bob.get("/api/live/find?of=followed").ok(&lives)
	if len(lives.Items) != 1 || lives.Items[0].ID != live {
		t.Errorf("got %+v", lives)
	}
	d.get("/api/live/find?of=followed").expectFailure(http.StatusUnauthorized, "token_missing", forbidden)
	bob.post("/api/user/unfollow", follow).ok(nil)
	bob.post("/api/user/unfollow", follow).ok(nil)
	count(0, false)
}
