package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
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

// TestRestreamFollowsTheEncoder sets a target at a node without the encoder. The node with the encoder is killed; when the encoder
// publishes at the other node, the target receives the stream from there.
func TestRestreamFollowsTheEncoder(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	env := withDatabase(t)
	settings := []string{"--restream-networks", "127.0.0.1", "--stream-grace", "10m", "--presence-grace", "1s"}
	front := serve(t, env, append([]string{"--data", dataDir(t)}, settings...)...)
	origin := serve(t, env, append([]string{"--data", dataDir(t), "--roles", "media"}, settings...)...)
	there := serve(t, append(withDatabase(t), "ROOMLOG_SIGN_SECRET=the-secret-of-another-service-0123456789"), "--data", dataDir(t), "--stream-grace", "10m")
	anna, bert := join(t, front, "anna"), join(t, there, "bert")
	room, target := anna.create("a show"), bert.create("the same show")
	id, file := room.Data.ID, film(t, 2)
	encoder := publish(t, file, origin.rtmpURL(room), "-stream_loop", "-1")
	anna.post("/api/live/restream", map[string]any{"id": id, "target": "there", "url": there.rtmpURL(target)}, nil)
	isLive := func() bool { all := anna.restreams(id); return len(all) == 1 && all[0].State == "live" }
	eventually(t, "the node with the encoder pushes to the target", isLive)
	player := watch(t, there.flvURL(bert.read(target.Data.ID), ".flv"))
	player.gets(t, "a player of the target")

	origin.kill()
	encoder.awaitEnd()
	eventually(t, "no node pushes to the target", func() bool { all := anna.restreams(id); return len(all) == 1 && all[0].State != "live" })
	eventually(t, "the target has lost the stream", func() bool { all := bert.streams(); return len(all) == 0 || !all[0].Publishing })
	again := publish(t, file, front.rtmpURL(room), "-stream_loop", "-1")
	eventually(t, "the other node pushes to the target", func() bool {
		if again.over() { // until the lost node is no member any more, its broadcast goes on
			again = publish(t, file, front.rtmpURL(room), "-stream_loop", "-1")
		}
		return isLive()
	})
	player.gets(t, "the same player, from the other node")
	if len(player.ended) != 0 {
		t.Error("the player of the target was disconnected")
	}
	if out := front.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Errorf("verify printed %s", out)
	}
}

// TestForgetOwnerOfRestreamTargets checks that the targets of a forgotten user are gone: nothing is pushed any more, the tables have no
// target, and the address and the sealed stream key in the log cannot be read by anybody.
func TestForgetOwnerOfRestreamTargets(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	env := withDatabase(t)
	here := serve(t, env, "--data", dataDir(t), "--restream-networks", "127.0.0.1")
	there := serve(t, append(withDatabase(t), "ROOMLOG_SIGN_SECRET=the-secret-of-another-service-0123456789"), "--data", dataDir(t))
	anna, bert, carl := join(t, here, "anna"), join(t, there, "bert"), join(t, here, "carl")
	here.roomlog("user", "grant", fmt.Sprint(carl.id), "--role", "operator")
	room, target := anna.create("a show"), bert.create("the same show")
	id := room.Data.ID
	encoder := publish(t, film(t, 2), here.rtmpURL(room), "-stream_loop", "-1")
	anna.post("/api/live/restream", map[string]any{"id": id, "target": "there", "url": there.rtmpURL(target)}, nil)
	eventually(t, "the target receives the stream", func() bool { all := bert.streams(); return len(all) == 1 && all[0].Publishing })
	type sealed struct {
		URL    *string `json:"target_url"`
		Secret *string `json:"sealed_key"`
	}
	before := exported[sealed](here, "restream.set.v1")
	if len(before) != 1 || before[0].URL == nil || !strings.HasPrefix(*before[0].URL, "rtmp://127.0.0.1") || before[0].Secret == nil || *before[0].Secret == "" {
		t.Fatalf("before, the log has %+v", before)
	}

	here.roomlog("user", "forget", fmt.Sprint(anna.id), "--yes")
	eventually(t, "the encoder is disconnected", encoder.over)
	eventually(t, "the target sees the end", func() bool { all := bert.streams(); return len(all) == 0 || !all[0].Publishing })
	eventually(t, "the live has no targets", func() bool { return len(carl.restreams(id)) == 0 })
	after := exported[sealed](here, "restream.set.v1")
	if len(after) != 1 || after[0].URL == nil || *after[0].URL != "erased" || after[0].Secret == nil || *after[0].Secret != "erased" {
		t.Errorf("afterwards, the log has %+v, want erased texts", after)
	}
	for _, text := range []string{*before[0].URL, *before[0].Secret, target.Data.Key} {
		if strings.Contains(here.roomlog("export"), text) {
			t.Errorf("the export still contains %s", text)
		}
	}
	conn, err := pgx.Connect(t.Context(), strings.TrimPrefix(env[0], "DATABASE_URL="))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var keys, rows int
	if err := conn.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM user_key WHERE user_id = $1), (SELECT count(*) FROM read.restream)", anna.id).Scan(&keys, &rows); err != nil || keys+rows != 0 {
		t.Errorf("%d keys of the user and %d targets in the tables are left, %v", keys, rows, err)
	}
	if out := here.roomlog("rebuild"); !strings.HasPrefix(out, "rebuilt: ") {
		t.Errorf("rebuild printed %s", out)
	}
	if got := carl.restreams(id); len(got) != 0 {
		t.Errorf("after a rebuild, the live has the targets %+v", got)
	}
	if out := here.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Errorf("verify printed %s", out)
	}
}
