package main_test

import (
	"fmt"
	"strings"
	"testing"
)

// restreamLine is a restream target in a REST response.
type restreamLine struct {
	Target, URL, State, Reason string
	Bytes                      uint64
}

func (p *person) restreams(live int64) (all []restreamLine) {
	p.t.Helper()
	p.get(fmt.Sprintf("/api/live/%d/restreams", live), &all)
	return all
}

// TestRestream pushes a live on to a live of another service, while the encoder publishes. The stream key of the target is nowhere to
// be read. A service refuses what it pushes itself.
func TestRestream(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	env := withDatabase(t)
	here := serve(t, env, "--data", dataDir(t), "--restream-networks", "127.0.0.1")
	there := serve(t, append(withDatabase(t), "ROOMLOG_SIGN_SECRET=the-secret-of-another-service-0123456789"), "--data", dataDir(t)) // with the same secret, it would be the same service
	anna, bert := join(t, here, "anna"), join(t, there, "bert")
	room, target, other := anna.create("a show"), bert.create("the same show"), anna.create("a loop")
	id := room.Data.ID
	encoder := publish(t, film(t, 2), here.rtmpURL(room), "-stream_loop", "-1")
	set := func(name, url string) {
		anna.post("/api/live/restream", map[string]any{"id": id, "target": name, "url": url}, nil)
	}
	set("there", there.rtmpURL(target))
	state := func(want string) {
		eventually(t, "the target is "+want, func() bool {
			all := anna.restreams(id)
			return len(all) == 1 && all[0].State == want
		})
	}
	state("live")
	player := watch(t, there.flvURL(bert.read(target.Data.ID), ".flv"))
	player.gets(t, "a player of the target")
	if got := anna.restreams(id)[0]; got.Target != "there" || strings.Contains(got.URL, target.Data.Key) || !strings.HasSuffix(got.URL, "/live") {
		t.Errorf("got %+v", got)
	}
	if out := here.roomlog("streams", "targets", fmt.Sprint(id)); !strings.Contains(out, "there") || !strings.Contains(out, "live") {
		t.Errorf("roomlog streams targets: %s", out)
	}
	export := here.roomlog("export", "--type", "restream.set.v1")
	for what, text := range map[string]string{"the log": here.output(), "an export": export} {
		if strings.Contains(text, target.Data.Key) || strings.Contains(text, *target.Sign) {
			t.Errorf("%s contains the stream key of the target: %s", what, text)
		}
	}
	if !strings.Contains(export, "restream.set.v1") {
		t.Errorf("the export contains no target: %s", export)
	}

	here.roomlog("streams", "untarget", fmt.Sprint(id), "there")
	eventually(t, "the target sees the end", func() bool { all := bert.streams(); return len(all) == 0 || !all[0].Publishing })
	if got := anna.restreams(id); len(got) != 0 {
		t.Errorf("got %+v, want no target", got)
	}
	set("loop", here.rtmpURL(other))
	eventually(t, "the service refuses its own broadcast", func() bool {
		all := anna.restreams(id)
		return len(all) == 1 && all[0].State == "failed" && strings.Contains(all[0].Reason, "NetConnection.Connect.Rejected")
	})
	if encoder.over() {
		t.Error("the encoder was disconnected")
	}
	anna.post("/api/live/changestatus", map[string]any{"id": id, "type": "play"}, nil)
	anna.post("/api/live/changestatus", map[string]any{"id": id, "type": "stop"}, nil)
	eventually(t, "the end of the live removes its targets", func() bool { return len(anna.restreams(id)) == 0 })
}
