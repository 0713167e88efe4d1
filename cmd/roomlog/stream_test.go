package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"
)

var (
	rtmpAddress = regexp.MustCompile(`msg="listening for RTMP" address=(\S+)`)
	flvAddress  = regexp.MustCompile(`msg="listening for players" address=(\S+)`)
)

// mediaAddresses returns the addresses of the media server after its last start.
func (p *process) mediaAddresses() (rtmp, flv string) {
	p.t.Helper()
	last := func(pattern *regexp.Regexp) string {
		found := pattern.FindAllStringSubmatch(p.output(), -1)
		if len(found) == 0 {
			p.t.Fatal("the server does not listen for streams")
		}
		return found[len(found)-1][1]
	}
	return last(rtmpAddress), last(flvAddress)
}

// liveRoom is a live in a REST response.
type liveRoom struct {
	ID     int64  `json:"id"`
	Key    string `json:"key"`
	Status int    `json:"status"`
	Media  *struct {
		Video  string `json:"video"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
		Audio  string `json:"audio"`
	} `json:"media"`
}

type signedRoom struct {
	Data liveRoom `json:"data"`
	Sign *string  `json:"sign"`
}

// create creates a live and returns it with a publish sign.
func (p *person) create(title string) signedRoom {
	p.t.Helper()
	var made signedRoom
	p.post("/api/live/create", map[string]any{"title": title, "cover": ""}, &made)
	return made
}

// read returns a live with a play sign, or with a publish sign if the user owns it.
func (p *person) read(live int64) signedRoom {
	p.t.Helper()
	var room signedRoom
	p.get(fmt.Sprintf("/api/live/read/%d", live), &room)
	return room
}

// rtmpURL and flvURL return the URLs that clients build from a live and its sign.
func (p *process) rtmpURL(r signedRoom) string {
	rtmp, _ := p.mediaAddresses()
	return "rtmp://" + rtmp + "/live/" + r.Data.Key + "?sign=" + *r.Sign
}

func (p *process) flvURL(r signedRoom, suffix string) string {
	_, flv := p.mediaAddresses()
	return "http://" + flv + "/live/" + r.Data.Key + suffix + "?sign=" + *r.Sign
}

// watching is an HTTP-FLV player that counts the received bytes.
type watching struct {
	bytes chan int // receives a value each time that bytes arrive
	ended chan error
}

func watch(t testing.TB, url string) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &watching{make(chan int, 1<<16), make(chan error, 1)}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); w.ended <- w.play(request) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

func (w *watching) play(r *http.Request) error {
	answer, err := (&http.Client{}).Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	buffer := make([]byte, 64<<10)
	for {
		n, err := answer.Body.Read(buffer)
		if n > 0 {
			select {
			case w.bytes <- n:
			default:
			}
		}
		if err != nil {
			return err
		}
	}
}

// gets waits until more bytes arrive.
func (w *watching) gets(t testing.TB, what string) {
	t.Helper()
	for len(w.bytes) > 0 {
		<-w.bytes
	}
	select {
	case <-w.bytes:
	case err := <-w.ended:
		t.Fatalf("%s: it has ended: %v", what, err)
	case <-time.After(timeout):
		t.Fatalf("%s: no frame arrived", what)
	}
}

// saved is a WebSocket client that writes what it plays into a file.
type saved struct {
	gws.BuiltinEventHandler
	file   *os.File
	closed chan struct{}
}

func (s *saved) OnMessage(_ *gws.Conn, m *gws.Message) {
	_, _ = s.file.Write(m.Bytes())
	_ = m.Close()
}

func (s *saved) OnClose(*gws.Conn, error) { _ = s.file.Close(); close(s.closed) }

// save writes a WS-FLV stream to a file. The returned function waits for the end of the stream.
func save(t testing.TB, url string) (file string, wait func()) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "saved.flv")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &saved{file: out, closed: make(chan struct{})}
	conn, _, err := gws.NewClient(s, &gws.ClientOption{Addr: strings.Replace(url, "http", "ws", 1), ReadMaxPayloadSize: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	go conn.ReadLoop()
	t.Cleanup(func() { _ = conn.NetConn().Close(); <-s.closed })
	return file, func() { t.Helper(); awaitSignal(t, "the WS-FLV stream ends", s.closed) }
}

// status returns the status of the response to a GET request.
func status(t testing.TB, url string) int {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || len(body) > 0 {
		t.Errorf("a refusal has the body %q, %v", body, err)
	}
	return answer.StatusCode
}

// exported returns the data of all events of a type.
func exported[T any](p *process, kind string) (all []T) {
	p.t.Helper()
	for line := range strings.Lines(p.roomlog("export", "--type", kind)) {
		var e struct {
			Data *T `json:"data"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			p.t.Fatalf("%v in %s", err, line)
		}
		if e.Data != nil {
			all = append(all, *e.Data)
		}
	}
	return all
}

type publishing struct {
	Live      int64  `json:"live"`
	Broadcast string `json:"broadcast"`
	Cause     string `json:"cause"`
	Reason    string `json:"reason"`
	Bytes     int64  `json:"bytes"`
}

// TestBroadcastReachesPlayers publishes a stream with ffmpeg and plays it over every protocol.
func TestBroadcastReachesPlayers(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t), "--auto-live")
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	file := filmOf(t, 20, 125) // so long that a slow machine can start the HLS player
	want := decode(t, file).frames()

	room := anna.create("a show")
	live := room.Data.ID
	held := bert.read(live)
	if held.Data.Media != nil || held.Data.Status != 0 || *held.Sign == *room.Sign {
		t.Fatalf("before the show: %+v", held.Data)
	}
	early := decode(t, at.flvURL(held, ".flv")) // all players wait until there is a publisher
	over := decode(t, at.rtmpURL(held))
	ws, wait := save(t, at.flvURL(held, ".flv"))
	eventually(t, "three players wait", func() bool {
		return strings.Contains(anna.figures(), `roomlog_media_players{protocol="rtmp"} 1`) &&
			strings.Contains(anna.figures(), `roomlog_media_players{protocol="http-flv"} 1`) && strings.Contains(anna.figures(), `roomlog_media_players{protocol="ws-flv"} 1`)
	})
	encoder := publish(t, file, at.rtmpURL(room))
	eventually(t, "the live has media info", func() bool { return bert.read(live).Data.Media != nil })
	index := at.flvURL(held, "/index.m3u8")
	eventually(t, "the first segment is complete", func() bool { return head(t, index).StatusCode == http.StatusOK })
	hls := decode(t, index)
	if err := encoder.wait(); err != nil {
		t.Error(err)
	}
	part(t, "HTTP-FLV", want, early.frames(), len(want))
	part(t, "RTMP", want, over.frames(), len(want))
	wait()
	part(t, "WS-FLV", want, decode(t, ws).frames(), len(want))
	part(t, "HLS", want, hls.frames(), 25)

	eventually(t, "the live has no media info", func() bool { return bert.read(live).Data.Media == nil })
	started, stopped := exported[publishing](at, "broadcast.started.v1"), exported[publishing](at, "broadcast.stopped.v1")
	if len(started) != 1 || len(stopped) != 1 || started[0].Broadcast != stopped[0].Broadcast || stopped[0].Cause != "stopped" || stopped[0].Bytes == 0 || stopped[0].Live != live {
		t.Errorf("the log contains %+v, %+v", started, stopped)
	}
	if bert.read(live).Data.Status != 1 {
		t.Error("the end of a stream has changed the room")
	}
}

// TestBroadcastHasOneOwner checks the live during a broadcast, and that nobody else can publish into it.
func TestBroadcastHasOneOwner(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t), "--auto-live", "--takeover-after", "1m") // a slow encoder is not silent so long
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	file := film(t, 2)
	room := anna.create("a show")
	held := bert.read(room.Data.ID)
	encoder := publish(t, file, at.rtmpURL(room), "-stream_loop", "-1")
	eventually(t, "the live has media info", func() bool { return bert.read(room.Data.ID).Data.Media != nil })
	if now := bert.read(room.Data.ID).Data; now.Status != 1 || now.Media.Video != "h264" || now.Media.Width != 320 || now.Media.Height != 180 || now.Media.Audio != "aac" {
		t.Errorf("during the show: %+v %+v", now, now.Media)
	}
	thief := publish(t, file, strings.Replace(at.rtmpURL(room), *room.Sign, *held.Sign, 1))
	if err := thief.wait(); err == nil {
		t.Error("a client published with a sign for playing")
	}
	if second := publish(t, file, at.rtmpURL(room)); second.wait() == nil {
		t.Error("a room was published into twice")
	}
	if encoder.over() {
		t.Error("the encoder was disconnected")
	}
}

// figures returns the body of /metrics.
func (p *person) figures() string {
	p.t.Helper()
	_, raw := p.do(http.MethodGet, "/metrics", nil, nil)
	return string(raw)
}

// TestStoppingALiveCutsItsStream checks that the encoder and the players are disconnected, and that earlier signs are
// refused.
func TestStoppingALiveCutsItsStream(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t))
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	file := film(t, 2)
	room := anna.create("a show")
	sign := bert.read(room.Data.ID)
	encoder := publish(t, file, at.rtmpURL(room), "-stream_loop", "-1")
	player, rtmp := watch(t, at.flvURL(sign, ".flv")), decode(t, at.rtmpURL(sign))
	player.gets(t, "a player of a stream")
	eventually(t, "the log has the stream", func() bool { return bert.read(room.Data.ID).Data.Media != nil })
	anna.post("/api/live/changestatus", map[string]any{"id": room.Data.ID, "type": "stop"}, nil)
	eventually(t, "all clients are disconnected", func() bool { return len(player.ended) == 1 && encoder.over() && rtmp.over() })
	if again := publish(t, file, at.rtmpURL(room)); again.wait() == nil {
		t.Error("a sign of a room that has ended opens its stream")
	}
	if got := status(t, at.flvURL(sign, ".flv")); got != http.StatusForbidden {
		t.Errorf("a player of a room that has ended is answered %d, want %v", got, http.StatusForbidden)
	}
	if after := bert.read(room.Data.ID); after.Sign != nil || after.Data.Media != nil {
		t.Errorf("after the end: %+v", after)
	}
	eventually(t, "the log has the end", func() bool {
		stopped := exported[publishing](at, "broadcast.stopped.v1")
		return len(stopped) == 1 && stopped[0].Cause == "live_ended"
	})
}

// TestADisabledOwnerIsCutOff checks that disabling an owner ends the stream immediately.
func TestADisabledOwnerIsCutOff(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t))
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	room := anna.create("a show")
	encoder := publish(t, film(t, 2), at.rtmpURL(room), "-stream_loop", "-1")
	player := watch(t, at.flvURL(bert.read(room.Data.ID), ".flv"))
	player.gets(t, "a player of a stream")
	at.roomlog("user", "disable", fmt.Sprint(anna.id))
	eventually(t, "all clients are disconnected", func() bool { return len(player.ended) == 1 && encoder.over() })
	if again := publish(t, film(t, 1), at.rtmpURL(room)); again.wait() == nil {
		t.Error("a disabled owner may publish")
	}
}

// TestEncoderReconnectsAfterAKill checks that a reconnecting encoder continues its broadcast and players stay connected.
func TestEncoderReconnectsAfterAKill(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t), "--stream-grace", "10m")
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	file := film(t, 2)
	room := anna.create("a show")
	encoder := publish(t, file, at.rtmpURL(room), "-stream_loop", "-1")
	player := watch(t, at.flvURL(bert.read(room.Data.ID), ".flv"))
	player.gets(t, "a player of a stream")
	encoder.kill()
	eventually(t, "the server has lost the encoder", func() bool { return strings.Contains(anna.figures(), "roomlog_media_publishers 0") })
	publish(t, file, at.rtmpURL(room), "-stream_loop", "-1")
	eventually(t, "the encoder has reconnected", func() bool { return strings.Contains(anna.figures(), "roomlog_media_publishers 1") })
	player.gets(t, "the same player, when the encoder is back")
	if started := exported[publishing](at, "broadcast.started.v1"); len(started) != 1 {
		t.Errorf("the log says that it has begun %d times, want 1", len(started))
	}
}

// TestServerKilledDuringABroadcast checks that the log records the end of the broadcast, and that the encoder can
// publish after the restart.
func TestServerKilledDuringABroadcast(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t), "--presence-grace", "1s")
	anna := join(t, at, "anna")
	file := film(t, 2)
	first, second := anna.create("one that comes back"), anna.create("one that does not")
	publish(t, file, at.rtmpURL(first), "-stream_loop", "-1")
	publish(t, file, at.rtmpURL(second), "-stream_loop", "-1")
	hasMedia := func(room signedRoom) bool { return anna.read(room.Data.ID).Data.Media != nil }
	eventually(t, "two lives have media info", func() bool { return hasMedia(first) && hasMedia(second) })
	at.kill()
	at.again()
	publish(t, file, at.rtmpURL(first), "-stream_loop", "-1")
	eventually(t, "the live without an encoder has no media info", func() bool { return !hasMedia(second) })
	eventually(t, "the other node has it", func() bool { return hasMedia(first) })
	eventually(t, "the log has both ends", func() bool { return len(exported[publishing](at, "broadcast.stopped.v1")) == 2 })
	for _, end := range exported[publishing](at, "broadcast.stopped.v1") {
		if end.Cause != "node_lost" && (end.Cause != "replaced" || end.Live != first.Data.ID) {
			t.Errorf("the log contains %+v", end)
		}
	}
}

type streamLine struct {
	Live       int64          `json:"live"`
	Publishing bool           `json:"publishing"`
	Node       string         `json:"node"`
	Relays     []string       `json:"relays"`
	Bitrate    int            `json:"bitrate"`
	Players    map[string]int `json:"players"`
}

// streams returns the streams that a user may see.
func (p *person) streams() (all []streamLine) {
	p.t.Helper()
	p.get("/api/streams", &all)
	return all
}

func (p *person) kick(form map[string]any) int {
	p.t.Helper()
	body, err := json.Marshal(form)
	if err != nil {
		p.t.Fatal(err)
	}
	status, _ := p.do(http.MethodPost, "/api/streams/kick", http.Header{"Content-Type": {"application/json"}}, body)
	return status
}

// TestStreamsAreListedAndKicked checks that operators and owners list streams, and that operators end them.
func TestStreamsAreListedAndKicked(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t))
	anna, bert, carl := join(t, at, "anna"), join(t, at, "bert"), join(t, at, "carl")
	at.roomlog("user", "grant", fmt.Sprint(carl.id), "--role", "operator")
	file := film(t, 2)
	room := anna.create("a show")
	live := room.Data.ID
	encoder := publish(t, file, at.rtmpURL(room), "-stream_loop", "-1")
	player := watch(t, at.flvURL(bert.read(live), ".flv"))
	player.gets(t, "a player of a stream")
	eventually(t, "operators see the stream", func() bool {
		all := carl.streams()
		return len(all) == 1 && all[0].Live == live && all[0].Publishing && all[0].Bitrate > 0 && all[0].Players["http-flv"] == 1
	})
	if own, others := anna.streams(), bert.streams(); len(own) != 1 || len(others) != 0 {
		t.Errorf("the owner sees %+v, somebody else %+v, want 1 element, 0 elements", own, others)
	}
	if out := at.roomlog("streams", "list"); !strings.Contains(out, "h264 320x180") || !strings.Contains(out, "http-flv:1") {
		t.Errorf("the command shows %s", out)
	}
	var watchers []struct{ ID, Protocol string }
	carl.get(fmt.Sprintf("/api/streams/%d/players", live), &watchers)
	if len(watchers) != 1 || watchers[0].Protocol != "http-flv" {
		t.Fatalf(`it is watched by %+v, want 1 element, watchers[0].Protocol "http-flv"`, watchers)
	}
	if got, _ := bert.do(http.MethodGet, fmt.Sprintf("/api/streams/%d/players", live), nil, nil); got != http.StatusForbidden {
		t.Errorf("who watches another's room is answered with %d, want %v", got, http.StatusForbidden)
	}
	for _, form := range []map[string]any{{"live": live}, {"player": watchers[0].ID}} {
		if got := bert.kick(form); got != http.StatusForbidden {
			t.Errorf("%v by somebody: %d, want %v", form, got, http.StatusForbidden)
		}
	}
	if got := carl.kick(map[string]any{}); got != http.StatusBadRequest {
		t.Errorf("nobody is kicked with %d, want %v", got, http.StatusBadRequest)
	}
	if got := carl.kick(map[string]any{"player": watchers[0].ID, "reason": "noise"}); got != http.StatusOK {
		t.Errorf("a player is kicked with %d, want %v", got, http.StatusOK)
	}
	eventually(t, "the player has disconnected", func() bool { return len(player.ended) == 1 })
	if encoder.over() {
		t.Error("the stream has ended with a player")
	}
	at.roomlog("streams", "kick", "--live", fmt.Sprint(live), "--reason", "not for children")
	eventually(t, "the encoder is disconnected", encoder.over)
	if again := publish(t, file, at.rtmpURL(room)); again.wait() == nil {
		t.Error("the kicked publisher was accepted again during the cooldown")
	}
	if out, code := at.try("streams", "kick", "--live", fmt.Sprint(live)); code != 1 || !strings.Contains(out, "roomlog streams list") {
		t.Errorf("a room without a stream is kicked with %d, %s", code, out)
	}
	stopped := exported[publishing](at, "broadcast.stopped.v1")
	if len(stopped) != 1 || stopped[0].Cause != "kicked" || stopped[0].Reason != "not for children" {
		t.Errorf(`the log contains %+v, want 1 element, stopped[0].Cause "kicked", stopped[0].Reason "not for children"`, stopped)
	}
}

// TestMediaInANodeOfItsOwn checks that a media node continues while the other nodes are down.
func TestMediaInANodeOfItsOwn(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	env := withDatabase(t)
	front := serve(t, env, "--data", dataDir(t), "--roles", "api,realtime,projector")
	mediaNode := serve(t, env, "--data", dataDir(t), "--roles", "media", "--presence-grace", "1s")
	anna, bert := join(t, front, "anna"), join(t, front, "bert")
	room := anna.create("a show")
	encoder := publish(t, film(t, 2), mediaNode.rtmpURL(room), "-stream_loop", "-1")
	player := watch(t, mediaNode.flvURL(bert.read(room.Data.ID), ".flv"))
	player.gets(t, "a player of a stream")
	eventually(t, "the other process has all events", func() bool {
		all := anna.streams()
		return len(all) == 1 && all[0].Publishing && all[0].Players["http-flv"] == 1
	})
	front.kill()
	player.gets(t, "the player, without the other process")
	front.again()
	if stopped := exported[publishing](front, "broadcast.stopped.v1"); len(stopped) != 0 {
		t.Errorf("a process that lives was thought dead: %+v, want 0 elements", stopped)
	}
	anna.post("/api/live/changestatus", map[string]any{"id": room.Data.ID, "type": "stop"}, nil)
	eventually(t, "the other process has disconnected the publisher", func() bool { return len(player.ended) == 1 && encoder.over() })
}
