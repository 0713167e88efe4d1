package relay_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roomlog/internal/clocktest"
	"roomlog/internal/logtest"
	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/relay"
	"roomlog/media/rtmp"
)

// pair returns an origin and an edge, and the registry of both.
func pair(t *testing.T, change func(*media.Config, *relay.Config)) (r *registry, origin, edge *node) {
	t.Helper()
	r = &registry{nodes: map[string]*node{}}
	return r, r.open(t, "origin", change), r.open(t, "edge", change)
}

// TestPlayersOfAnEdge checks that early and late players of an edge receive the frames of the origin with their times, from one
// connection between the nodes, which is no player.
func TestPlayersOfAnEdge(t *testing.T) {
	t.Parallel()
	r, origin, edge := pair(t, nil)
	var players []*viewer
	for range 20 {
		players = append(players, edge.watch(t, key))
	}
	eventually(t, "20 players wait", func() bool { return edge.stats(key).Players[media.HTTPFLV] == 20 })
	p := origin.publish(t, key, 5000)
	eventually(t, "the broadcast has begun", func() bool { return origin.stats(key).Publishing })
	r.set(key, origin, edge)
	for _, v := range players {
		v.sees("first 0")
	}
	p.frames("second", 5)
	p.frames("third", 5)
	for _, v := range players {
		v.sees("third 4")
	}
	direct, late := origin.watch(t, key), edge.watch(t, key)
	direct.sees("third 4")
	late.sees("third 4")
	p.frames("fourth", 3)
	want, got := direct.sees("fourth 2"), late.sees("fourth 2")
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tag{})); diff != "" {
		t.Errorf("a late player of the edge has other frames than one of the origin:\n%s", diff)
	}
	for _, v := range players {
		all := v.sees("fourth 2")
		requireRising(t, all)
		if n := slices.IndexFunc(all, func(one tag) bool { return one.payload == string(videoFrame(true, "first 0")) }); n < 0 || all[n].at != 5000 {
			t.Errorf("a player of the edge has not the first key frame with its time: %d", n)
		}
	}
	at, here := origin.stats(key), edge.stats(key)
	if at.Relays != 1 || at.Players[media.HTTPFLV] != 1 || len(at.Players) != 1 || at.Relayed || len(origin.Players(key)) != 1 {
		t.Errorf("the origin has %+v", at)
	}
	if !here.Relayed || here.Publishing || here.Players[media.HTTPFLV] != 21 || here.Broadcast.ID != at.Broadcast.ID || here.Broadcast.Video != flv.H264 || here.Broadcast.Size.Width != 1920 {
		t.Errorf("the edge has %+v", here)
	}
	p.end()
	for _, v := range append(players, late) {
		if err := v.ends(); !errors.Is(err, io.EOF) {
			t.Errorf("at the end of the broadcast: %v, want %v", err, io.EOF)
		}
	}
	eventually(t, "the edge has forgotten the stream", func() bool { return edge.puller.Stats().Pulls == 0 && len(edge.Snapshot().Streams) == 0 })
}

// TestOriginIsLost checks that players of an edge stay connected while the publisher moves to another node and then to the edge
// itself, with times that go on.
func TestOriginIsLost(t *testing.T) {
	t.Parallel()
	r, first, edge := pair(t, nil)
	second := r.open(t, "second", nil)
	p := first.publish(t, key, 1_000_000)
	r.set(key, first)
	v := edge.watch(t, key)
	v.sees("first 0")
	p.frames("before", 10)
	before := v.sees("before 9")
	first.stop()
	eventually(t, "the edge has lost the origin", func() bool { return edge.puller.Stats().Lost == 1 })
	p = second.publish(t, key, 0)
	p.frames("moved", 3)
	r.set(key, second, edge)
	v.sees("moved 2")
	late := edge.watch(t, key)
	late.sees("moved 2")
	if at := edge.stats(key); !at.Relayed || at.Broadcast.ID != second.stats(key).Broadcast.ID {
		t.Errorf("after the move, the edge has %+v", at)
	}
	_ = p.Close()
	r.set(key, nil)
	p = edge.publish(t, key, 77)
	p.frames("here", 3)
	all := v.sees("here 2")
	late.sees("here 2")
	requireRising(t, all)
	if after := all[len(all)-1].at - before[len(before)-1].at; after > uint32(timeout.Milliseconds()) {
		t.Errorf("the times of a player have jumped by %d ms", after)
	}
	if at := edge.stats(key); at.Relayed || !at.Publishing {
		t.Errorf("with a publisher of its own, the edge has %+v", at)
	}
	eventually(t, "the edge relays nothing", func() bool { return edge.puller.Stats().Pulls == 0 })
	p.end()
	if err := v.ends(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end of the broadcast: %v, want %v", err, io.EOF)
	}
}

// TestConnectionIsLost checks that no frame is missing or repeated when the connection between the nodes is cut.
func TestConnectionIsLost(t *testing.T) {
	t.Parallel()
	r, origin, edge := pair(t, nil)
	p := origin.publish(t, key, 0)
	r.set(key, origin)
	v := edge.watch(t, key)
	v.sees("first 0")
	p.frames("group", 5)
	v.sees("group 4")
	edge.puller.Lost(key, "ANOTHER")
	edge.puller.Lost(key, edge.stats(key).Broadcast.ID)
	eventually(t, "the edge has connected again", func() bool { return edge.puller.Stats().Lost == 1 && origin.stats(key).Relays == 1 })
	p.frames("next", 2)
	direct := origin.watch(t, key)
	all := v.sees("next 1")
	requireRising(t, all)
	if coded := slices.DeleteFunc(slices.Clone(all), func(one tag) bool { return !flv.Describe(one.kind, []byte(one.payload)).Coded }); len(coded) != 2*(1+5+2) {
		t.Errorf("a player has %d frames, want %d", len(coded), 2*(1+5+2))
	}
	if got, want := all[len(all)-1].at, direct.sees("next 1"); got != want[len(want)-1].at {
		t.Errorf("the edge has the time %d, the origin %d", got, want[len(want)-1].at)
	}
}

// TestEncoderComesBackWithoutAKind loses the sound or the pictures of an encoder with its connection to the origin. Players of an edge that
// come later are not promised any. When they are back, all players get them.
func TestEncoderComesBackWithoutAKind(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ missing, flags byte }{"sound": {flv.Audio, 1}, "pictures": {flv.Video, 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := clocktest.New()
			r := &registry{nodes: map[string]*node{}}
			origin := r.open(t, "origin", func(c *media.Config, _ *relay.Config) { c.Now, c.SettleTime = clock.Now, time.Second })
			var log logtest.Buffer
			edge := r.open(t, "edge", func(_ *media.Config, c *relay.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			p := origin.publish(t, key, 0)
			r.set(key, origin)
			early := edge.watch(t, key)
			early.sees("first 0")
			log.Take() // the edge may have asked before the first frame
			_ = p.Close()
			eventually(t, "the origin has lost the encoder", func() bool { return !origin.stats(key).Publishing })
			p = origin.dial(t, key, 0)
			p.headers()
			of := map[byte]func(string) []byte{
				flv.Video: func(text string) []byte { return videoFrame(true, text) },
				flv.Audio: func(text string) []byte { return append([]byte{0xaf, 1}, text...) },
			}
			send := func(kind byte, text string) {
				p.send(rtmp.AppendMedia(nil, kind, p.at, of[kind](text)))
				p.at += 40
			}
			gets := func(v *viewer, kind byte, text string) []tag {
				eventually(t, "a player has "+text, func() bool {
					return slices.ContainsFunc(v.got(), func(one tag) bool { return one.payload == string(of[kind](text)) })
				})
				return v.got()
			}
			other := flv.Video + flv.Audio - tt.missing
			send(other, "back")
			gets(early, other, "back")
			clock.Forward(5 * time.Second)
			send(other, "alone")
			eventually(t, "the edge has connected again", func() bool { return edge.puller.Stats().Restarted == 1 })
			send(other, "from the new connection")
			gets(early, other, "from the new connection")
			late := edge.watch(t, key)
			for _, one := range gets(late, other, "from the new connection") {
				if one.kind == tt.missing {
					t.Errorf("a late player gets %q", one.payload)
				}
			}
			if late.flag != tt.flags {
				t.Errorf("a late player gets the flags %d, want %d", late.flag, tt.flags)
			}
			if lost, warnings := edge.puller.Stats().Lost, log.Count("level=WARN"); lost != 0 || warnings != 0 {
				t.Errorf("%d connections count as lost, and the log has %d warnings: %s", lost, warnings, &log)
			}
			send(tt.missing, "complete")
			for _, v := range []*viewer{early, late} {
				all := gets(v, tt.missing, "complete")
				all = slices.DeleteFunc(all, func(one tag) bool { return one.kind != tt.missing })
				if n := len(all); n < 2 || !flv.Describe(tt.missing, []byte(all[n-2].payload)).Header {
					t.Errorf("a player gets no header before %q", all[n-1].payload)
				}
				requireRising(t, v.got())
			}
		})
	}
}

// TestSilentConnection checks that the players of an edge go on when the connection to the origin brings nothing any more, although no
// side has closed it.
func TestSilentConnection(t *testing.T) {
	t.Parallel()
	r, origin, edge := pair(t, func(_ *media.Config, c *relay.Config) { c.Silence = 300 * time.Millisecond })
	silence := origin.throughProxy(t)
	p := origin.publish(t, key, 0)
	r.set(key, origin)
	v := edge.watch(t, key)
	v.sees("first 0")
	silence()
	p.frames("lost", 3) // over the silent connection, and again over the next one
	all := v.sees("lost 2")
	requireRising(t, all)
	if got := edge.puller.Stats().Lost; got == 0 {
		t.Error("the edge has not made the connection again")
	}
}

// TestPlayerJoinsWhileTheEncoderIsLost checks that a player of an edge that joins then does not wait for the former origin when the
// encoder publishes at another node.
func TestPlayerJoinsWhileTheEncoderIsLost(t *testing.T) {
	t.Parallel()
	r, first, edge := pair(t, func(_ *media.Config, c *relay.Config) { c.Client = &http.Client{} }) // a response may take for ever
	second := r.open(t, "second", nil)
	p := first.publish(t, key, 0)
	r.set(key, first)
	direct := first.watch(t, key)
	direct.sees("first 0")
	_ = p.Close()
	eventually(t, "the origin has lost the encoder", func() bool { s := first.stats(key); return s.Broadcast.ID != "" && !s.Publishing })
	v := edge.watch(t, key)
	eventually(t, "the edge waits for the origin", func() bool { return first.stats(key).Relays == 1 })
	p = second.publish(t, key, 0)
	p.frames("moved", 2)
	r.set(key, second, edge)
	v.sees("moved 1")
}

// TestOriginDoesNotComeBack checks that the players of an edge see the end of the stream when the grace period is over, or when the
// log has the end of the broadcast.
func TestOriginDoesNotComeBack(t *testing.T) {
	t.Parallel()
	for name, grace := range map[string]time.Duration{"after the grace period": 300 * time.Millisecond, "when the log has the end": timeout} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, origin, edge := pair(t, func(_ *media.Config, c *relay.Config) { c.Grace = grace })
			origin.publish(t, key, 0)
			r.set(key, origin)
			v := edge.watch(t, key)
			v.sees("first 0")
			origin.stop()
			if grace == timeout {
				eventually(t, "the edge has lost the origin", func() bool { return edge.puller.Stats().Lost == 1 })
				r.set(key, nil, edge)
			}
			if err := v.ends(); !errors.Is(err, io.EOF) {
				t.Errorf("a player got %v, want %v", err, io.EOF)
			}
		})
	}
}

// TestLateEndOfABroadcast checks that the end of a broadcast does not end the players of the next one, whose origin is lost.
func TestLateEndOfABroadcast(t *testing.T) {
	t.Parallel()
	r, first, edge := pair(t, nil)
	second := r.open(t, "second", nil)
	first.publish(t, key, 0)
	r.set(key, first)
	v := edge.watch(t, key)
	v.sees("first 0")
	before := edge.stats(key).Broadcast.ID
	first.stop()
	eventually(t, "the edge has lost the first origin", func() bool { return edge.puller.Stats().Lost == 1 })
	p := second.publish(t, key, 0)
	p.frames("second", 1)
	r.set(key, second, edge)
	v.sees("second 0")
	second.stop()
	eventually(t, "the edge has lost the second origin", func() bool { return edge.puller.Stats().Lost == 2 })
	edge.puller.Ended(key, before)
	lookUps := edge.lookUps.Load()
	eventually(t, "the edge goes on to look for the origin", func() bool { return edge.lookUps.Load() >= lookUps+3 })
	edge.puller.Ended(key, edge.stats(key).Broadcast.ID)
	if err := v.ends(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end of the second broadcast: %v, want %v", err, io.EOF)
	}
}

// TestFaultsAreLoggedOnce checks that a node whose streams are not available is logged once, and not for each stream, player and
// attempt.
func TestFaultsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	var log logtest.Buffer
	r, gone, edge := pair(t, func(_ *media.Config, c *relay.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	gone.stop()
	for _, one := range []string{"ONE", "TWO"} {
		r.set(one, gone)
		edge.watch(t, one)
	}
	eventually(t, "both streams were looked up several times", func() bool { return edge.lookUps.Load() >= 9 })
	bare := &node{name: "bare"}
	for _, one := range []string{"THREE", "FOUR", "FIVE"} {
		r.set(one, bare)
		lookUps := edge.lookUps.Load()
		edge.watch(t, one)
		eventually(t, "the player waits", func() bool {
			return edge.stats(one).Players[media.HTTPFLV] == 1 && edge.puller.Stats().Pulls == 2 && edge.lookUps.Load() > lookUps
		})
	}
	for _, want := range []string{"origin of a stream not available, retrying", "stream is at a node without --media-internal-url"} {
		if got := log.Count(want); got != 1 {
			t.Errorf("%q was logged %d times, want once", want, got)
		}
	}
}

// TestRelayEndsWithoutPlayers checks that an edge stops to relay a stream that nobody plays, and begins again.
func TestRelayEndsWithoutPlayers(t *testing.T) {
	t.Parallel()
	r, origin, edge := pair(t, func(_ *media.Config, c *relay.Config) { c.RelayIdle = 100 * time.Millisecond })
	p := origin.publish(t, key, 0)
	r.set(key, origin)
	for _, text := range []string{"one", "two"} {
		page, err := http.Get("http://" + edge.http + "/live/" + key + ".flv?sign=" + edge.signer.Play(key))
		if err != nil {
			t.Fatal(err)
		}
		p.frames(text, 1)
		if _, err := io.CopyN(io.Discard, page.Body, 100); err != nil {
			t.Fatal(err)
		}
		if got := origin.stats(key).Relays; got != 1 {
			t.Errorf("the origin has %d relays, want 1", got)
		}
		_ = page.Body.Close()
		eventually(t, "the relay has ended", func() bool { return edge.puller.Stats().Pulls == 0 && origin.stats(key).Relays == 0 })
		if got := len(edge.Snapshot().Streams); got != 0 {
			t.Errorf("the edge has %d streams, want 0", got)
		}
	}
}

// TestOnlyOriginsServeRelays checks that an edge refuses to serve another edge, and that a log that leads nodes in a circle does no
// harm.
func TestOnlyOriginsServeRelays(t *testing.T) {
	t.Parallel()
	r, origin, edge := pair(t, nil)
	origin.publish(t, key, 0)
	r.set(key, origin)
	edge.watch(t, key).sees("first 0")
	if got := edge.relay(t, "/relay/"+key+".flv", origin.signer.Relay("/relay/"+key+".flv", "third", "edge")); got != http.StatusNotFound {
		t.Errorf("an edge serves a relay with %d, want %d", got, http.StatusNotFound)
	}
	third := r.open(t, "third", nil)
	const circle = "CIRCLE"
	r.set(circle, edge)
	v := third.watch(t, circle) // the log names the edge, which has no publisher
	eventually(t, "the third node looks for the stream", func() bool { return third.puller.Stats().Pulls == 1 })
	p := third.publish(t, circle, 0)
	p.frames("here", 1)
	v.sees("here 0")
	eventually(t, "the third node relays nothing", func() bool { return third.puller.Stats().Pulls == 0 })
}

// relay sends a request of another node and returns the status.
func (n *node) relay(t *testing.T, path, sign string) int {
	t.Helper()
	q, err := http.NewRequest(http.MethodGet, "http://"+n.http+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sign != "" {
		q.Header.Set("Roomlog-Relay", sign)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// TestRepeatedRelaySign checks that somebody who has read a request between two nodes cannot send it again, so that the real edge stays
// connected, and that two equal requests of a node have different signs.
func TestRepeatedRelaySign(t *testing.T) {
	t.Parallel()
	r, origin, _ := pair(t, nil)
	origin.publish(t, key, 0)
	r.set(key, origin)
	const path = "/relay/" + key + ".flv"
	eventually(t, "the broadcast has begun", func() bool { return origin.stats(key).Publishing })
	sign := origin.signer.Relay(path, "third", "origin")
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+origin.http+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Roomlog-Relay", sign)
	real, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer real.Body.Close()
	if got := origin.relay(t, path, sign); got != http.StatusForbidden {
		t.Errorf("a repeated request is answered %d, want %d", got, http.StatusForbidden)
	}
	if got := origin.stats(key).Relays; got != 1 {
		t.Errorf("after a repeated request, the origin has %d relays, want 1", got)
	}
	if again := origin.signer.Relay(path, "third", "origin"); again == sign || origin.relay(t, path, again) != http.StatusOK {
		t.Error("the next request of the node is refused")
	}
}

// TestFullOriginServesEdges checks that edges do not count as players of their origin: an origin that accepts no further player still
// serves an edge, and an edge takes no place of a player.
func TestFullOriginServesEdges(t *testing.T) {
	t.Parallel()
	r, origin, edge := pair(t, func(c *media.Config, _ *relay.Config) { c.Limits.MaxStreamPlayers = 1 })
	third := r.open(t, "third", nil)
	origin.publish(t, key, 0)
	r.set(key, origin)
	edge.watch(t, key).sees("first 0")
	origin.watch(t, key).sees("first 0")
	third.watch(t, key).sees("first 0")
	for _, full := range []*node{origin, edge} {
		if err := full.watch(t, key).ends(); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("the second player of the node %s got %v, want the status 503", full.name, err)
		}
	}
}

// TestForgedRelaySigns checks that nothing but a fresh relay sign for the path and the node is accepted, and that a relay sign is no
// sign for players.
func TestForgedRelaySigns(t *testing.T) {
	t.Parallel()
	r, origin, _ := pair(t, nil)
	origin.publish(t, key, 0)
	r.set(key, origin)
	eventually(t, "the broadcast has begun", func() bool { return origin.stats(key).Publishing })
	foreign, err := media.NewSigner([]string{"a-secret-of-somebody-else"}, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/relay/" + key + ".flv"
	good := origin.signer.Relay(path, "edge", "origin")
	other, _, _ := strings.Cut(good, "-")
	for name, sign := range map[string]string{
		"none": "", "a play sign": origin.signer.Play(key), "a play sign of a user": origin.signer.PlayAs(key, 7, time.Unix(9, 0)), "a publish sign": origin.signer.Publish(key),
		"of another secret": foreign.Relay(path, "edge", "origin"), "for another stream": origin.signer.Relay("/relay/OTHER.flv", "edge", "origin"),
		"for another origin": origin.signer.Relay(path, "edge", "third"), "of the origin itself": origin.signer.Relay(path, "origin", "origin"),
		"with another node": strings.Replace(good, "edge", "third", 1), "with another expiry": strings.Replace(good, other, other+"0", 1), "without a node": strings.TrimSuffix(good, "edge"),
		"too long": good + strings.Repeat("x", 4000),
	} {
		if got := origin.relay(t, path, sign); got != http.StatusForbidden {
			t.Errorf("a sign %s is answered %d, want %d", name, got, http.StatusForbidden)
		}
	}
	if err := origin.signer.Verify(media.ScopePlay, key, good); err == nil {
		t.Error("a relay sign permits playing")
	}
	if got := origin.relay(t, "/live/"+key+".flv?sign="+good, good); got != http.StatusForbidden {
		t.Errorf("a player with a relay sign is answered %d, want %d", got, http.StatusForbidden)
	}
	if got := origin.relay(t, path, good); got != http.StatusOK {
		t.Errorf("a relay sign is answered %d, want %d", got, http.StatusOK)
	}
	if got := origin.relay(t, path, good); got != http.StatusForbidden {
		t.Errorf("a relay sign that was used is answered %d, want %d", got, http.StatusForbidden)
	}
	old := origin.signer.Relay(path, "edge", "origin")
	origin.clock.Forward(31 * time.Second)
	if got := origin.relay(t, path, old); got != http.StatusForbidden {
		t.Errorf("a sign that has expired is answered %d, want %d", got, http.StatusForbidden)
	}
	status := 0
	for range 1000 {
		if status = origin.relay(t, path, "x"); status == http.StatusTooManyRequests {
			break
		}
	}
	if status != http.StatusTooManyRequests {
		t.Error("a client may try 1000 signs")
	}
	if got := origin.relay(t, path, origin.signer.Relay(path, "edge", "origin")); got != http.StatusOK {
		t.Errorf("after the forged signs, a node with the same address is answered %d, want %d", got, http.StatusOK)
	}
}

// TestSlowEdge checks that an edge that does not read is disconnected and delays nobody.
func TestSlowEdge(t *testing.T) {
	t.Parallel()
	r := &registry{nodes: map[string]*node{}}
	origin := r.open(t, "origin", func(c *media.Config, _ *relay.Config) { c.RTMP.MediaTimeout = time.Second })
	edge := r.open(t, "edge", nil)
	p := origin.publish(t, key, 0)
	r.set(key, origin)
	v := edge.watch(t, key)
	v.sees("first 0")
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+origin.http+"/relay/"+key+".flv", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Roomlog-Relay", origin.signer.Relay(q.URL.Path, "slow", "origin"))
	slow, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Body.Close()
	large := strings.Repeat("x", 1<<20)
	eventually(t, "the slow edge is disconnected", func() bool {
		p.frames(large, 1)
		return origin.stats(key).Drops >= 1
	})
	p.frames("last", 2)
	v.sees("last 1")
	eventually(t, "the origin has one relay, to the honest edge", func() bool { return origin.stats(key).Relays == 1 })
}

// TestHLSAndSnapshotsOfAnEdge checks that the request of an HLS player begins a relay, and that a stream without a publisher is
// refused as on every node.
func TestHLSAndSnapshotsOfAnEdge(t *testing.T) {
	t.Parallel()
	r, origin, edge := pair(t, nil)
	p := origin.publish(t, key, 0)
	p.frames("second", 30)
	r.set(key, origin)
	eventually(t, "the broadcast has begun", func() bool { return origin.stats(key).FramesIn == 3+2*31 })
	frame, err := edge.puller.KeyFrame(t.Context(), key)
	if err != nil || !strings.Contains(string(frame), string(videoFrame(true, "second 0"))) || edge.puller.Stats().Pulls != 0 {
		t.Errorf("the newest key frame of an edge is %q, %v", frame, err)
	}
	if _, err := edge.puller.KeyFrame(t.Context(), "NONE"); !errors.Is(err, media.ErrNoBroadcast) {
		t.Errorf("a key frame without a stream: %v, want %v", err, media.ErrNoBroadcast)
	}
	index := func(key string) (int, string) {
		answer, err := http.Get("http://" + edge.http + "/live/" + key + "/index.m3u8?sign=" + edge.signer.Play(key))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	if got, _ := index("NONE"); got != http.StatusNotFound {
		t.Errorf("the index of a stream without a publisher is answered %d, want %d", got, http.StatusNotFound)
	}
	p.frames("third", 30)
	if got, text := index(key); got != http.StatusOK || !strings.Contains(text, "avc1") || !strings.Contains(text, "mp4a") {
		t.Errorf("the index of an edge is %d %s", got, text)
	}
	if got := origin.stats(key).Relays; got != 1 {
		t.Errorf("the origin has %d relays, want 1", got)
	}
}

// TestNumberOfRelaysIsLimited checks that an edge relays no more streams than it may, and begins the next one when there is room.
func TestNumberOfRelaysIsLimited(t *testing.T) {
	t.Parallel()
	r, origin, edge := pair(t, func(_ *media.Config, c *relay.Config) { c.MaxRelays = 1 })
	first, second := origin.publish(t, "ONE", 0), origin.publish(t, "TWO", 0)
	r.set("ONE", origin)
	r.set("TWO", origin)
	edge.watch(t, "ONE").sees("first 0")
	v := edge.watch(t, "TWO")
	eventually(t, "the second player waits", func() bool { return edge.stats("TWO").Players[media.HTTPFLV] == 1 })
	if err := edge.puller.Await(t.Context(), "TWO"); !errors.Is(err, media.ErrUnavailable) {
		t.Errorf("the second stream is relayed: %v, want %v", err, media.ErrUnavailable)
	}
	if got := edge.puller.Stats().Pulls; got != 1 {
		t.Errorf("%d streams are relayed, want 1", got)
	}
	first.end()
	second.frames("next", 1)
	v.sees("next 0")
}
