package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestStreamsOnAnyNode publishes at one node and plays at another, which pulls the stream over TLS: every protocol, snapshots, and
// recordings, also at a node without media. Viewers lose their rights at the edge as everywhere.
func TestStreamsOnAnyNode(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	env, internal := withDatabase(t), reservedAddress(t)
	cert, key := selfSigned(t, t.TempDir())
	front := serve(t, env, "--data", dataDir(t), "--roles", "api,realtime,projector", "--auto-live", "--media-internal-ca", cert)
	origin := serve(t, env, "--data", dataDir(t), "--roles", "media", "--auto-live", "--media-internal-addr", internal, "--media-internal-url", "https://"+internal,
		"--media-internal-ca", cert, "--tls-cert", cert, "--tls-key", key)
	edge := serve(t, env, "--data", dataDir(t), "--roles", "media", "--media-internal-addr", "127.0.0.1:0", "--media-internal-ca", cert)
	anna, bert, carl := join(t, front, "anna"), join(t, front, "bert"), join(t, front, "carl")
	file := filmOf(t, 20, 125)
	want := decode(t, file).frames()

	room := anna.create("a show")
	live := room.Data.ID
	anna.record(live, true)
	held, named := bert.read(live), carl.read(live)
	flv, rtmp := decode(t, edge.flvURL(held, ".flv")), decode(t, edge.rtmpURL(held))
	ws, wait := save(t, edge.flvURL(held, ".flv"))
	banned := watch(t, edge.flvURL(named, ".flv"))
	eventually(t, "four players wait at the edge", func() bool {
		all := anna.streams()
		return len(all) == 1 && all[0].Players["http-flv"] == 2 && all[0].Players["rtmp"] == 1 && all[0].Players["ws-flv"] == 1
	})
	encoder := publish(t, file, origin.rtmpURL(room))
	banned.gets(t, "a player of the edge")
	index := edge.flvURL(held, "/index.m3u8")
	eventually(t, "the edge has HLS", func() bool { return head(t, index).StatusCode == http.StatusOK })
	hls := decode(t, index)
	eventually(t, "the streams list the relay, and no relay as a player", func() bool {
		all := anna.streams()
		return len(all) == 1 && all[0].Publishing && len(all[0].Relays) == 1 && all[0].Relays[0] != all[0].Node && all[0].Players["http-flv"] == 2 && all[0].Players["relay"] == 0
	})
	jpeg, err := http.Get(edge.flvURL(held, "/snapshot.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	_ = jpeg.Body.Close()
	if jpeg.StatusCode != http.StatusOK || jpeg.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("a snapshot at the edge is %s %s", jpeg.Status, jpeg.Header.Get("Content-Type"))
	}
	_, public := origin.mediaAddresses()
	if got := status(t, "http://"+public+"/relay/"+room.Data.Key+".flv"); got != http.StatusNotFound {
		t.Errorf("the address for players answers other nodes with %d, want %d", got, http.StatusNotFound)
	}
	front.roomlog("user", "disable", fmt.Sprint(carl.id))
	eventually(t, "the disabled viewer is disconnected at the edge", func() bool { return len(banned.ended) == 1 })
	if got := status(t, edge.flvURL(named, ".flv")); got != http.StatusForbidden {
		t.Errorf("a disabled viewer is answered %d at the edge, want %d", got, http.StatusForbidden)
	}
	if err := encoder.wait(); err != nil {
		t.Error(err)
	}
	part(t, "HTTP-FLV", want, flv.frames(), len(want)-125)
	part(t, "RTMP", want, rtmp.frames(), len(want)-125)
	wait()
	part(t, "WS-FLV", want, decode(t, ws).frames(), len(want)-125)
	part(t, "HLS", want, hls.frames(), 25)
	recordingElsewhere(t, bert, live, origin, edge, front)
}

// recordingElsewhere checks that nodes without a recording serve it with the rights and ranges of its node.
func recordingElsewhere(t *testing.T, viewer *person, live int64, origin *process, others ...*process) {
	t.Helper()
	recording := viewer.finished(live, 1)[0]
	get := func(url, span string) (int, []byte) {
		r, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if span != "" {
			r.Header.Set("Range", span)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, body
	}
	_, here := origin.mediaAddresses()
	for _, link := range []string{recording.Parts[0].URL, recording.HLS, recording.Index} {
		path := link[strings.Index(link, "/recordings/"):]
		status, want := get("http://"+here+path, "")
		if status != http.StatusOK || len(want) == 0 {
			t.Fatalf("%s at its node: %d with %d bytes", path, status, len(want))
		}
		for i, other := range others {
			address := other.addr
			if i == 0 {
				_, address = other.mediaAddresses()
			}
			if status, got := get("http://"+address+path, ""); status != http.StatusOK || !bytes.Equal(got, want) {
				t.Errorf("%s at another node: %d with %d bytes, want %d", path, status, len(got), len(want))
			}
			if link == recording.HLS { // a playlist has no ranges
				continue
			}
			if status, got := get("http://"+address+path, "bytes=10-19"); status != http.StatusPartialContent || !bytes.Equal(got, want[10:20]) {
				t.Errorf("ten bytes of %s at another node: %d %q", path, status, got)
			}
			forged := path[:strings.Index(path, "?")] + "?sign=" + strings.Repeat("1", 10) + "-" + strings.Repeat("a", 32)
			if status, _ := get("http://"+address+forged, ""); status != http.StatusForbidden {
				t.Errorf("%s at another node with a forged sign: %d, want %d", path, status, http.StatusForbidden)
			}
		}
	}
}

// TestOriginKilled kills the node with the publisher: a player at another node stays connected, and goes on when the encoder publishes
// there. Before, a live that becomes private disconnects the players of the edge that are not invited.
func TestOriginKilled(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	env := withDatabase(t)
	grace := []string{"--presence-grace", "1s", "--stream-grace", "10m"}
	edge := serve(t, env, slices.Concat([]string{"--data", dataDir(t), "--media-internal-url", "http://127.0.0.1:9"}, grace)...)
	origin := serve(t, env, slices.Concat([]string{"--data", dataDir(t), "--roles", "media", "--media-internal-addr", "127.0.0.1:0"}, grace)...)
	anna, bert := join(t, edge, "anna"), join(t, edge, "bert")
	room, film := anna.create("a show"), film(t, 2)
	encoder := publish(t, film, origin.rtmpURL(room), "-stream_loop", "-1")
	player := watch(t, edge.flvURL(bert.read(room.Data.ID), ".flv"))
	player.gets(t, "a player of the edge")
	private := anna.create("a private show")
	other := publish(t, film, origin.rtmpURL(private), "-stream_loop", "-1")
	held := bert.read(private.Data.ID)
	excluded := watch(t, edge.flvURL(held, ".flv"))
	excluded.gets(t, "a player of a live for everybody, at the edge")
	anna.post("/api/live/access", map[string]any{"id": private.Data.ID, "access": "invited"}, nil)
	eventually(t, "the player that is not invited is disconnected at the edge", func() bool { return len(excluded.ended) == 1 })
	if got := status(t, edge.flvURL(held, ".flv")); got != http.StatusForbidden {
		t.Errorf("a user who is not invited is answered %d at the edge, want %d", got, http.StatusForbidden)
	}
	if other.over() {
		t.Error("the encoder of the private live was disconnected")
	}
	origin.kill()
	encoder.awaitEnd()
	eventually(t, "the edge has lost the origin", func() bool { return !strings.Contains(anna.figures(), "roomlog_media_relays_lost_total 0") })
	var again *running
	eventually(t, "the encoder publishes at the edge", func() bool {
		if again == nil || again.over() {
			again = publish(t, film, edge.rtmpURL(room), "-stream_loop", "-1")
		}
		return strings.Contains(anna.figures(), "roomlog_media_publishers 1")
	})
	player.gets(t, "the same player, from the encoder at the edge")
	if len(player.ended) != 0 {
		t.Error("the player of the edge was disconnected")
	}
	again.kill()
}
