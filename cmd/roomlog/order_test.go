package main_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"roomlog/realtime/socketio/siotest"
)

// TestModerationBesideTwoServers checks that kicks and bans from the command line take effect on all nodes and in both dialects.
func TestModerationBesideTwoServers(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	first := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	other := serve(t, env, append([]string{"--data", dataDir(t), "--roles", "api,realtime"}, unhurried...)...)
	anna, bert := join(t, first, "anna"), join(t, first, "bert")
	live := anna.open("Anna's room")
	there := *bert
	there.at = other
	b := there.connect("")
	enter(t, b, live, "")
	viewer := siotest.Dial(t, "http://"+other.addr+"/socket.io/", siotest.Options{Version: 3})
	id := viewer.Connect()

	var listed string
	eventually(t, "both processes respond", func() bool {
		listed = first.roomlog("sockets")
		return strings.Contains(listed, id) && strings.Contains(listed, "native")
	})
	if !regexp.MustCompile(fmt.Sprintf(`native +%d +%d +127.0.0.1`, bert.id, live)).MatchString(listed) {
		t.Errorf("the list is %s", listed)
	}
	if out := first.roomlog("kick", "--connection", id, "--reason", "flooding"); !strings.Contains(out, "is kicked") {
		t.Error(out)
	}
	if got := string(viewer.Event(id)[0]); !strings.Contains(got, `"action":"deny"`) || !strings.Contains(got, "flooding") {
		t.Errorf("the client got %s", got)
	}
	viewer.Expect("41")
	viewer.Ended()
	if out, code := first.try("kick", "--connection", "nobody-1"); code != 1 || !strings.Contains(out, "no connection") {
		t.Errorf(`got %d %s, want 1, "no connection" in it`, code, out)
	}

	first.roomlog("kick", "--user", fmt.Sprint(bert.id), "--reason", "be kind")
	if b.awaitClose(); b.code != 4503 || b.reason != "be kind" {
		t.Errorf(`closed with %d %s, want 4503, "be kind"`, b.code, b.reason)
	}
	first.roomlog("ban", "--user", fmt.Sprint(bert.id), "--for", "1h")
	if status, raw := there.do(http.MethodGet, "/api/user/info", nil, nil); status != http.StatusForbidden || !strings.Contains(string(raw), "您没有权限访问该接口!") {
		t.Errorf("a banned user got %d %s", status, raw)
	}
	first.roomlog("unban", "--user", fmt.Sprint(bert.id))
	c := there.connect("")
	enter(t, c, live, "")
	if out := first.roomlog("live", "list"); !strings.Contains(out, "Anna's room") {
		t.Error(out)
	}
	first.roomlog("user", "disable", fmt.Sprint(anna.id)) // the live of a user who is locked out ends
	if out := first.roomlog("live", "list"); strings.Contains(out, "Anna's room") {
		t.Error(out)
	}
	if out, code := first.try("live", "stop", fmt.Sprint(live)); code != 1 || !strings.Contains(out, "has ended") {
		t.Errorf(`got %d %s, want 1, "has ended" in it`, code, out)
	}
	if out := first.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Error(out)
	}
}
