package socketio_test

import (
	"testing"

	"roomlog/domain"
	"roomlog/realtime/socketio/siotest"
)

// TestLivesThatAreNotForEverybody joins restricted lives with an old app, and takes its right back.
func TestLivesThatAreNotForEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer := w.register("streamer")
	live := streamer.goLive()
	for _, restricted := range []struct {
		set  domain.SetAccess
		text string
		code string
	}{
		{domain.SetAccess{Access: domain.AccessPassword, Credential: "c1"}, "该直播间需要密码", "live_password"},
		{domain.SetAccess{Access: domain.AccessFollowers}, "该直播间仅限粉丝，请先关注主播", "live_followers"},
		{domain.SetAccess{Access: domain.AccessInvited}, "该直播间仅限受邀用户", "live_invited"},
		{domain.SetAccess{Access: domain.AccessPaid, Price: 30}, "该直播间需要购票", "live_paid"},
	} {
		restricted.set.Live = live
		ann, a := w.register("viewer of "+string(restricted.set.Access)), w.app(siotest.Options{Version: 3})
		streamer.Asks(restricted.set)
		for event, payload := range map[string]map[string]any{"joinLive": {}, "comment": {"data": "let me in"}} {
			payload["live_id"], payload["token"] = live, ann.Token()
			a.Emit(event, payload)
			if no := a.refused(restricted.text); no.Data.Code != restricted.code {
				t.Errorf("%s: got %+v", event, no)
			}
		}
		streamer.Asks(domain.SetAccess{Live: live, Access: domain.AccessOpen})
		a.joins(ann, live)
		streamer.Asks(restricted.set)
		a.refused(restricted.text)
	}
	streamer.Asks(domain.SetAccess{Live: live, Access: domain.AccessOpen})
	bob, a := w.register("bob"), w.app(siotest.Options{Version: 3})
	a.joins(bob, live)
	streamer.Asks(domain.SetMinAge{Live: live, MinAge: 18})
	if no := a.refused("您的年龄不符合该直播间的要求"); no.Data.Code != "live_age" {
		t.Errorf("got %+v", no)
	}
	bob.Asks(domain.ChangeProfile{Age: new(18)})
	a.joins(bob, live)
	bob.Asks(domain.ChangeProfile{Age: new(17)})
	a.refused("您的年龄不符合该直播间的要求")
	streamer.Asks(domain.SetMinAge{Live: live})
	streamer.Asks(domain.SetAccess{Live: live, Access: domain.AccessUnlisted})
	w.app(siotest.Options{}).joins(w.register("viewer"), live)
}
