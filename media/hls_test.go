package media_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/internal/clocktest"
	"roomlog/internal/logtest"
	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/hls/hlstest"
)

func (h *testServer) hlsURL(key string) string {
	return "http://" + h.http + "/live/" + key + "/index.m3u8?sign=" + h.signer.Play(key)
}

// page requests one file of HLS.
func page(t testing.TB, url string) (status int, body string, header http.Header) {
	t.Helper()
	status, body, header, err := fetch(url)
	if err != nil {
		t.Fatal(err)
	}
	return status, body, header
}

// fetch requests one file of HLS. Any goroutine may call it.
func fetch(url string) (status int, body string, header http.Header, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		return 0, "", nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(b), answer.Header, err
}

// refs returns the references in a playlist to files, or in an index to playlists.
func refs(playlist string) []string {
	var all []string
	playlist = regexp.MustCompile("(?m)^#EXT-X-RENDITION-REPORT:.*\n").ReplaceAllString(playlist, "")
	for _, found := range regexp.MustCompile(`URI="([^"]+)"|(?m)^([^#\n].*)$`).FindAllStringSubmatch(playlist, -1) {
		all = append(all, found[1]+found[2])
	}
	return all
}

// hlsPlayer is an HLS player under the control of a test.
type hlsPlayer struct {
	base  string
	lists []string // names of playlists with their queries
}

// playHLS requests the index of a stream.
func (h *testServer) playHLS(t testing.TB, key string) hlsPlayer {
	t.Helper()
	status, body, header := page(t, h.hlsURL(key))
	if status != 200 || header.Get("Access-Control-Allow-Origin") != "*" || header.Get("Cache-Control") != "no-store" {
		t.Fatal(status, header)
	}
	if strings.Contains(body, "sign=") {
		t.Fatalf("the playlist contains the sign: %s", body)
	}
	return hlsPlayer{"http://" + h.http + "/live/" + key + "/", refs(body)}
}

// plays makes the player follow its first playlist, so that it counts as a player. Meanwhile s publishes n more
// seconds, beginning with the second from.
func (p hlsPlayer) plays(t testing.TB, s *sender, from, n uint32) {
	t.Helper()
	before := p.version(t, "")
	s.seconds(from, n)
	p.version(t, before)
	page(t, p.base+p.lists[0])
}

// version requests the first playlist until it differs from before. It returns the playlist without the reports about
// other playlists.
func (p hlsPlayer) version(t testing.TB, before string) (list string) {
	t.Helper()
	eventually(t, "another version of a playlist", func() bool {
		status, text, _ := page(t, p.base+p.lists[0])
		list, _, _ = strings.Cut(text, "#EXT-X-RENDITION-REPORT:")
		return status == 200 && list != before
	})
	return list
}

// seconds publishes n groups of pictures of one second, with audio.
func (s *sender) seconds(from, n uint32) {
	for i := range n * 25 {
		at := from*1000 + i*40
		s.video(at, videoFrame(i%25 == 0, "picture"))
		s.audio(at, sound("sound"))
		s.audio(at+20, sound("sound"))
	}
}

// onHLS publishes some seconds, so that the stream can be played immediately.
func (h *testServer) onHLS(t testing.TB, key string) *sender {
	t.Helper()
	s := h.publish(t, key)
	s.video(0, avcHeader())
	s.audio(0, aacHeader())
	s.seconds(0, 3)
	h.stream(t, key, "some seconds", func(s media.StreamStats) bool { return s.FramesIn == 2+3*75 })
	return s
}

func TestHLSStartsAtOnceOnAColdStream(t *testing.T) {
	h := run(t, nil)
	s := h.onHLS(t, "KEY")
	p := h.playHLS(t, "KEY") // nothing is published until the player has requested the files
	_, list, header := page(t, p.base+p.lists[0])
	if header.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatal(header)
	}
	for _, ref := range refs(list) {
		if strings.HasPrefix(ref, "gap.mp4?broadcast=") || strings.Contains(list, `HINT:TYPE=PART,URI="`+ref) {
			continue
		}
		status, body, header := page(t, p.base+ref)
		if status != 200 || len(body) == 0 || header.Get("Access-Control-Allow-Origin") != "*" || !strings.HasPrefix(header.Get("Cache-Control"), "public, max-age=") {
			t.Fatal(ref, status, header)
		}
	}
	p.plays(t, s, 3, 2)
	h.stream(t, "KEY", "a player whose bytes are counted", func(s media.StreamStats) bool { return s.Players[media.HLS] == 1 && s.BytesOut > 0 })
}

// TestHLSMissesNothingOfABurst sends many seconds at once, as an encoder does after its network has stalled.
func TestHLSMissesNothingOfABurst(t *testing.T) {
	const burst = 10
	h := run(t, func(c *media.Config) { c.HLS.Muxer.Segments = 2 * burst })
	s := h.onHLS(t, "KEY") // players begin with the second 1
	p := h.playHLS(t, "KEY")
	s.seconds(3, burst)
	var list hlstest.List
	eventually(t, "the playlist has the second before the last one", func() bool {
		_, text, _ := page(t, p.base+p.lists[0])
		var err error
		if list, err = hlstest.Parse(text); err != nil {
			t.Fatal(err)
		}
		var length float64
		for _, s := range list.Segments {
			if !s.Gap {
				length += s.Duration
			}
		}
		return list.Before > 0 || math.Round(length) == burst+1
	})
	for _, s := range list.Segments {
		if s.Duration != 1 || s.Sequence != 0 {
			t.Errorf("got segment %+v, want one second without a discontinuity", s)
		}
	}
}

func TestHLSChecksTheSignOnceAndThenTheSession(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	signer, err := media.NewSigner([]string{secret}, time.Minute, clock)
	if err != nil {
		t.Fatal(err)
	}
	h := run(t, func(c *media.Config) { c.Authorizer = media.SignAuthorizer{Signer: signer} })
	h.signer = signer
	h.onHLS(t, "KEY")
	h.onHLS(t, "OTHER")
	p := h.playHLS(t, "KEY")
	expired := h.hlsURL("KEY")
	mu.Lock()
	now = now.Add(time.Hour)
	mu.Unlock()
	if status, _, _ := page(t, expired); status != 403 {
		t.Fatal(status)
	}
	status, list, _ := page(t, p.base+p.lists[0])
	if status != 200 {
		t.Fatal(status)
	}
	session := p.lists[0][strings.Index(p.lists[0], "?"):]
	broadcast := regexp.MustCompile(`\?broadcast=\w+`).FindString(list)
	part := refs(list)[0]
	for url, want := range map[string]int{
		p.base + "index.m3u8" + session:                               200,
		p.base + "index.m3u8?session=x":                               403,
		p.base + "video1_stream.m3u8":                                 403,
		p.base + "video1_stream.m3u8" + broadcast:                     403,
		p.base + "video1_stream.m3u8?session=" + h.signer.Play("KEY"): 403,
		p.base + part: 200,
		p.base + strings.TrimSuffix(part, broadcast):                    403,
		p.base + strings.TrimSuffix(part, broadcast) + session:          403,
		p.base + "nothing.mp4" + broadcast:                              404,
		"http://" + h.http + "/live/OTHER/video1_stream.m3u8" + session: 403,
		"http://" + h.http + "/live/OTHER/" + part:                      403,
		h.hlsURL("NOBODY"): 404,
	} {
		if status, body, _ := page(t, url); status != want || status != 200 && body != "" {
			t.Errorf("%s: got status %d, want %d", url, status, want)
		}
	}
}

func TestHLSEndsWithTheBroadcast(t *testing.T) {
	h := run(t, nil)
	s := h.onHLS(t, "KEY")
	p := h.playHLS(t, "KEY")
	s.unpublish()
	h.log.wait(t, "stopped KEY stopped")
	eventually(t, "the end in the playlist", func() bool {
		_, list, _ := page(t, p.base+p.lists[0])
		return strings.HasSuffix(list, "#EXT-X-ENDLIST\n")
	})

	h = run(t, func(c *media.Config) { c.HLS.Linger = 100 * time.Millisecond })
	s = h.onHLS(t, "KEY")
	p = h.playHLS(t, "KEY")
	s.unpublish()
	eventually(t, "nothing more", func() bool {
		status, _, _ := page(t, p.base+p.lists[0])
		return status == 403
	})
	eventually(t, "all slots are free", func() bool { return h.Snapshot().Connections == 0 })
	again := h.onHLS(t, "KEY")
	h.playHLS(t, "KEY")
	again.unpublish()
}

// TestHLSEndsWithTheLive ends a live while players wait for more. They receive all that was published and the end of the
// playlist, until the owner of the live may not broadcast any more.
func TestHLSEndsWithTheLive(t *testing.T) {
	h := run(t, nil)
	s := h.onHLS(t, "KEY")
	playing, idle := h.playHLS(t, "KEY"), h.playHLS(t, "KEY")
	playing.plays(t, s, 3, 2)
	h.stream(t, "KEY", "all seconds", func(s media.StreamStats) bool { return s.FramesIn == 2+5*75 })
	var list string
	eventually(t, "the complete segments", func() bool { // the segmenter began with the second before the newest one
		_, list, _ = page(t, playing.base+playing.lists[0])
		return strings.Count(list, "_seg") == 3
	})
	next := regexp.MustCompile(`#EXT-X-MEDIA-SEQUENCE:(\d+)`).FindStringSubmatch(list)[1]
	first, err := strconv.Atoi(next)
	if err != nil {
		t.Fatal(err)
	}
	type reply struct {
		status int
		body   string
		err    error
	}
	waiting := make(chan reply, 1)
	go func() {
		status, body, _, err := fetch(fmt.Sprintf("%s%s&_HLS_msn=%d", playing.base, playing.lists[0], first+strings.Count(list, "#EXTINF")+1))
		waiting <- reply{status, body, err}
	}()
	eventually(t, "the request waits", func() bool { return h.WaitingRequests() == 1 })
	h.Cut("KEY", media.ReasonEnded)
	got := waittest.Receive(t, waiting, "the request that waits")
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.status != 200 || !strings.HasSuffix(got.body, "#EXT-X-ENDLIST\n") {
		t.Fatalf("the waiting request: got status %d and %s, want 200 and the end of the playlist", got.status, got.body)
	}
	if got, want := strings.Count(got.body, "_seg"), strings.Count(list, "_seg")+1; got != want {
		t.Errorf("the last playlist has %d segments, want %d: those before the end and the last second", got, want)
	}
	urls := []string{idle.base + idle.lists[0], playing.base + playing.lists[1]}
	for _, file := range refs(got.body) {
		if !strings.HasPrefix(file, "gap") {
			urls = append(urls, playing.base+file)
		}
	}
	for _, url := range urls {
		if status, _, _ := page(t, url); status != 200 {
			t.Errorf("%s: got status %d, want 200", url, status)
		}
	}
	h.Cut("KEY", media.ReasonOwnerUnavailable)
	for _, url := range urls {
		eventually(t, "a refusal of "+url, func() bool { status, _, _ := page(t, url); return status == 403 })
	}
	eventually(t, "all slots are free", func() bool { return h.Snapshot().Connections == 0 })
}

// TestHLSEndsWithTheLiveOfARelay ends a live when an encoder at this node has taken over its relayed stream and has sent nothing yet.
func TestHLSEndsWithTheLiveOfARelay(t *testing.T) {
	h := run(t, nil)
	r, err := h.Relayed("KEY", func() {})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Begin(media.Source{Broadcast: "B", Video: true, Audio: true}); err != nil {
		t.Fatal(err)
	}
	write := func(kind byte, at uint32, payload []byte) {
		t.Helper()
		if _, err := r.Write(flv.Tag(kind, at, payload)); err != nil {
			t.Fatal(err)
		}
	}
	write(flv.Video, 0, avcHeader())
	write(flv.Audio, 0, aacHeader())
	for at := uint32(0); at < 3000; at += 40 {
		write(flv.Video, at, videoFrame(at%1000 == 0, "picture"))
		write(flv.Audio, at, sound("sound"))
		write(flv.Audio, at+20, sound("sound"))
	}
	p := h.playHLS(t, "KEY")
	p.version(t, "")
	h.publish(t, "KEY")
	if _, err := r.Write(flv.Tag(flv.Audio, 3000, sound("sound"))); !errors.Is(err, media.ErrEnded) {
		t.Fatalf("got error %v, want the end of the relay", err)
	}
	h.Cut("KEY", media.ReasonEnded)
	eventually(t, "the end of the playlist", func() bool {
		_, list, _ := page(t, p.base+p.lists[0])
		return strings.HasSuffix(list, "#EXT-X-ENDLIST\n")
	})
}

// TestHLSSegmentsOnlyBroadcasts starts to segment streams whose broadcasts have just ended.
func TestHLSSegmentsOnlyBroadcasts(t *testing.T) {
	h := run(t, nil)
	h.publish(t, "SILENT")
	for _, key := range []string{"KEY", "SILENT"} {
		if err := h.Segment(key); !errors.Is(err, media.ErrNoBroadcast) {
			t.Errorf("%s: got error %v, want %v", key, err, media.ErrNoBroadcast)
		}
	}
	if keys := h.Keys(); !slices.Equal(keys, []string{"SILENT"}) {
		t.Errorf("the keys are %v, want the one with a publisher", keys)
	}
}

// TestCutAnonymousSparesPlaySessions restricts a stream after play sessions have begun, and before they play. Those of users and those that
// are kept go on.
func TestCutAnonymousSparesPlaySessions(t *testing.T) {
	h := run(t, nil)
	s := h.onHLS(t, "KEY")
	open := func(args string) hlsPlayer {
		_, index, _ := page(t, "http://"+h.http+"/live/KEY/index.m3u8?sign="+args)
		p := hlsPlayer{"http://" + h.http + "/live/KEY/", refs(index)}
		p.version(t, "") // the session does not play before it receives another version
		return p
	}
	user, preview, anonymous := open(h.signer.PlayAs("KEY", 5, time.Unix(9, 0))), open(h.signer.Play("KEY")+"&kept=1"), open(h.signer.Play("KEY"))
	h.Restrict("KEY", true)
	for range 2 {
		h.CutAnonymous("KEY", func(c media.Client) bool { return c.Args.Has("kept") })
	}
	user.plays(t, s, 3, 2)
	preview.plays(t, s, 5, 2)
	h.stream(t, "KEY", "two players", func(s media.StreamStats) bool { return s.Players[media.HLS] == 2 })
	if status, _, _ := page(t, anonymous.base+anonymous.lists[0]); status != http.StatusForbidden {
		t.Errorf("status %d of the anonymous player, want 403", status)
	}
	h.CutAnonymous("KEY", func(media.Client) bool { return false })
	if status, _, _ := page(t, preview.base+preview.lists[0]); status != http.StatusForbidden {
		t.Errorf("status %d of a player that is kept no longer, want 403", status)
	}
	if status, _, _ := page(t, user.base+user.lists[0]); status != http.StatusOK {
		t.Errorf("status %d of the user, want 200", status)
	}
}

// TestTheRestOfALiveIsNotForUsersWhoLoseAccess takes the right to play from players over HLS after their live has ended, while they
// could still receive its rest.
func TestTheRestOfALiveIsNotForUsersWhoLoseAccess(t *testing.T) {
	h := run(t, nil)
	s := h.onHLS(t, "KEY")
	h.Restrict("KEY", true)
	open := func(sign string) hlsPlayer {
		_, index, _ := page(t, "http://"+h.http+"/live/KEY/index.m3u8?sign="+sign)
		return hlsPlayer{"http://" + h.http + "/live/KEY/", refs(index)}
	}
	as := func(user int64) string { return h.signer.PlayAs("KEY", user, time.Unix(9, 0)) }
	banned, starting, other, anonymous := open(as(5)), open(as(5)), open(as(6)), open(h.signer.Play("KEY"))
	banned.plays(t, s, 3, 2)
	other.plays(t, s, 5, 2)
	anonymous.plays(t, s, 7, 2)
	h.Cut("KEY", media.ReasonEnded)
	urls := func(p hlsPlayer) []string {
		var list string
		eventually(t, "the end of the playlist", func() bool {
			_, list, _ = page(t, p.base+p.lists[0])
			return strings.HasSuffix(list, "#EXT-X-ENDLIST\n")
		})
		all := []string{p.base + p.lists[0], p.base + p.lists[1]}
		for _, file := range refs(list) {
			if !strings.HasPrefix(file, "gap") {
				all = append(all, p.base+file)
			}
		}
		return all
	}
	expect := func(what string, urls []string, want int) {
		t.Helper()
		for _, url := range urls {
			if status, _, _ := page(t, url); status != want {
				t.Errorf("%s, %s: got status %d, want %d", what, url, status, want)
			}
		}
	}
	all := map[string][]string{"banned": urls(banned), "starting": urls(starting), "other": urls(other), "anonymous": urls(anonymous)}
	for who, urls := range all {
		expect(who, urls, http.StatusOK)
	}
	if keys := h.Keys(); !slices.Equal(keys, []string{"KEY"}) {
		t.Errorf("the keys are %v", keys)
	}
	users := make(map[int64]bool)
	for _, c := range h.Viewers("KEY") {
		users[c.User] = true
	}
	if len(users) != 2 || !users[5] || !users[6] {
		t.Errorf("the viewers are %v, want the users 5 and 6", users)
	}
	h.CutUser("KEY", 5)
	expect("banned after the cut", all["banned"], http.StatusForbidden)
	expect("starting after the cut", all["starting"], http.StatusForbidden)
	expect("another user", all["other"], http.StatusOK)
	expect("anonymous", all["anonymous"], http.StatusOK)
	h.CutAnonymous("KEY", func(media.Client) bool { return false })
	expect("anonymous after the cut", all["anonymous"], http.StatusForbidden)
	expect("another user", all["other"], http.StatusOK)
	h.Restrict("KEY", false)
	expect("playlists of the banned user", all["banned"][:2], http.StatusForbidden) // everybody may fetch the files of an open live
}

func TestHLSStopsWithoutRequests(t *testing.T) {
	const idleTimeout = time.Hour
	clock := clocktest.Running()
	h := run(t, func(c *media.Config) { c.Now, c.HLS.IdleTimeout = clock.Now, idleTimeout })
	h.onHLS(t, "KEY")
	p := h.playHLS(t, "KEY")
	for range 5 { // segmenting continues as long as there are requests
		clock.Forward(idleTimeout * 3 / 4)
		if status, _, _ := page(t, p.base+p.lists[0]); status != 200 {
			t.Fatal(status)
		}
	}
	clock.Forward(idleTimeout)
	h.stream(t, "KEY", "nobody", func(s media.StreamStats) bool { return len(s.Players) == 0 })
	if status, _, _ := page(t, p.base+p.lists[0]); status != 403 {
		t.Fatal(status)
	}
	h.playHLS(t, "KEY")
}

func TestHLSPlayersAreCutKickedAndCounted(t *testing.T) {
	h := run(t, func(c *media.Config) { c.Limits.MaxMediaConnections = 3 })
	s := h.onHLS(t, "KEY")
	kicked, cut, third := h.playHLS(t, "KEY"), h.playHLS(t, "KEY"), h.playHLS(t, "KEY")
	for i, p := range []hlsPlayer{kicked, cut, third} {
		p.plays(t, s, 3+2*uint32(i), 2)
	}
	at := uint32(9)
	eventually(t, "three players", func() bool {
		s.seconds(at, 1)
		at++
		playing := 0
		for _, p := range []hlsPlayer{kicked, cut, third} {
			page(t, p.base+p.lists[0])
		}
		for _, v := range h.Players("KEY") {
			if v.Client.Protocol == media.HLS {
				playing++
			}
		}
		return playing == 3
	})
	if shot := h.Snapshot(); shot.Players != 3 || shot.Streams[0].Players[media.Internal] != 1 {
		t.Errorf("%d players, and %d in this process, want 3 and the segmenter", shot.Players, shot.Streams[0].Players[media.Internal])
	}
	refused := h.playHLS(t, "KEY")
	refused.version(t, "")
	eventually(t, "a refusal of the fourth player", func() bool {
		s.seconds(at, 1)
		at++
		status, _, header := page(t, refused.base+refused.lists[0])
		return status == 503 && header.Get("Retry-After") != ""
	})
	for _, v := range h.Players("KEY") {
		if v.Client.Protocol == media.HLS {
			h.Kick(v.Client.ID)
			break
		}
	}
	if status, _, _ := page(t, kicked.base+kicked.lists[0]); status != 403 {
		t.Fatal(status)
	}
	_, list, _ := page(t, cut.base+cut.lists[0])
	h.Cut("KEY", media.ReasonOwnerUnavailable)
	for _, url := range []string{cut.base + cut.lists[0], cut.base + refs(list)[0]} {
		eventually(t, "a closed handler", func() bool { status, _, _ := page(t, url); return status == 403 })
	}
	eventually(t, "free slots", func() bool { return h.Snapshot().Connections == 0 })
}

// TestFloodOfIndexesRefusesNobody requests the index with one sign more often than one address may have players. Others
// must still be able to play.
func TestFloodOfIndexesRefusesNobody(t *testing.T) {
	const perAddress = 4
	h := run(t, func(c *media.Config) { c.Limits.MaxMediaPerAddress = perAddress })
	s := h.onHLS(t, "KEY")
	playing := h.playHLS(t, "KEY")
	playing.plays(t, s, 3, 2)
	for range 10 * perAddress {
		p := h.playHLS(t, "KEY")
		if status, _, _ := page(t, p.base+p.lists[0]); status != 200 { // a player that reads a playlist once does not count as playing
			t.Fatal(status)
		}
	}
	h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "picture"))
	newcomer := h.playHLS(t, "KEY")
	newcomer.plays(t, s, 5, 2)
	h.stream(t, "KEY", "three players", func(s media.StreamStats) bool {
		return s.Players[media.HLS] == 2 && s.Players[media.HTTPFLV] == 1
	})
	if status, _, _ := page(t, playing.base+playing.lists[0]); status != 200 {
		t.Fatal(status)
	}
}

// TestCutUserDisconnectsThePlayersOfAUser cuts a user who plays over every protocol, and leaves other players alone.
func TestCutUserDisconnectsThePlayersOfAUser(t *testing.T) {
	h := run(t, nil)
	s := h.onHLS(t, "KEY")
	sign := h.signer.PlayAs("KEY", 5, time.Unix(9, 0))
	as := func(user string) string { return strings.Replace(user, h.signer.Play("KEY"), sign, 1) }
	for _, url := range []string{h.flvURL("KEY"), as(h.flvURL("KEY"))} {
		h.watch(t, url).sees(videoFrame(true, "picture"))
	}
	_, index, _ := page(t, as(h.hlsURL("KEY")))
	playing := hlsPlayer{"http://" + h.http + "/live/KEY/", refs(index)}
	playing.plays(t, s, 3, 2)
	_, index, _ = page(t, as(h.hlsURL("KEY")))
	starting := hlsPlayer{playing.base, refs(index)}
	other := h.playHLS(t, "KEY")
	other.plays(t, s, 5, 2)
	h.stream(t, "KEY", "four players", func(s media.StreamStats) bool { return s.Players[media.HLS] == 2 && s.Players[media.HTTPFLV] == 2 })
	h.CutUser("KEY", 5)
	h.stream(t, "KEY", "two players", func(s media.StreamStats) bool { return s.Players[media.HLS] == 1 && s.Players[media.HTTPFLV] == 1 })
	for _, p := range []hlsPlayer{playing, starting} {
		if status, _, _ := page(t, p.base+p.lists[0]); status != http.StatusForbidden {
			t.Errorf("status %d, want 403", status)
		}
	}
	if status, _, _ := page(t, other.base+other.lists[0]); status != http.StatusOK {
		t.Errorf("status %d of another player, want 200", status)
	}
	for _, v := range h.Players("KEY") {
		if v.Client.User != 0 {
			t.Errorf("user %d still plays", v.Client.User)
		}
	}
}

// heldAuthorizer accepts players when release is closed.
type heldAuthorizer struct {
	media.SignAuthorizer
	called  chan struct{}
	release chan struct{}
}

func (a heldAuthorizer) AuthorizePlay(ctx context.Context, r media.PlayRequest) error {
	close(a.called)
	select {
	case <-a.release:
	case <-ctx.Done():
	}
	return a.SignAuthorizer.AuthorizePlay(ctx, r)
}

// TestCutUserRefusesPlayersThatWereAuthorizedBefore cuts a user between the authorization of a player and its stream.
func TestCutUserRefusesPlayersThatWereAuthorizedBefore(t *testing.T) {
	for _, c := range []struct{ key, suffix string }{{"KEY", ".flv"}, {"", ".flv"}, {"KEY", "/index.m3u8"}, {"", "/index.m3u8"}} {
		called, release := make(chan struct{}), make(chan struct{})
		h := run(t, func(c *media.Config) {
			c.Authorizer = heldAuthorizer{c.Authorizer.(media.SignAuthorizer), called, release}
		})
		h.onHLS(t, "KEY")
		status := make(chan int)
		go func() {
			answer := get(t, http.MethodGet, "http://"+h.http+"/live/KEY"+c.suffix+"?sign="+h.signer.PlayAs("KEY", 5, time.Unix(9, 0)), nil)
			status <- answer.StatusCode
		}()
		waittest.Receive(t, called, "the authorizer")
		h.CutUser(c.key, 5)
		close(release)
		if got := waittest.Receive(t, status, "the response"); got != http.StatusForbidden {
			t.Errorf("status %d of %s, want 403", got, c.suffix)
		}
	}
}

// TestHeadIsGetWithoutABody compares the responses to HEAD and GET.
func TestHeadIsGetWithoutABody(t *testing.T) {
	h := run(t, nil)
	s := h.onHLS(t, "KEY")
	p := h.playHLS(t, "KEY")
	_, list, _ := page(t, p.base+p.lists[0])
	file := refs(list)[0]
	for url, kind := range map[string]string{
		h.hlsURL("KEY"): "application/vnd.apple.mpegurl", p.base + p.lists[0]: "application/vnd.apple.mpegurl", p.base + file: "/mp4",
		h.flvURL("KEY"): "video/x-flv", h.flvURL("NOBODY"): "video/x-flv",
	} {
		answer := get(t, http.MethodHead, url, nil)
		if b, err := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK || !strings.HasSuffix(answer.Header.Get("Content-Type"), kind) || err != nil || len(b) > 0 {
			t.Errorf("HEAD %s: status %s, headers %v, %d bytes, error %v", url, answer.Status, answer.Header, len(b), err)
		}
	}
	for _, url := range []string{"http://" + h.http + "/live/KEY.flv?sign=x", "http://" + h.http + "/live/KEY/index.m3u8", p.base + "video1_stream.m3u8", p.base + "x.mp4"} {
		if answer := get(t, http.MethodHead, url, nil); answer.StatusCode != http.StatusForbidden {
			t.Errorf("HEAD %s: status %s, want 403", url, answer.Status)
		}
	}
	if answer := get(t, http.MethodHead, h.hlsURL("NOBODY"), nil); answer.StatusCode != http.StatusNotFound {
		t.Errorf("status %s of a stream that nobody publishes, want 404", answer.Status)
	}
	p.plays(t, s, 3, 2) // the HEAD requests hold no slot
	if n := h.Snapshot().Connections; n != 2 {
		t.Errorf("%d connections, want the publisher and the player", n)
	}
}

func TestHLSRefusesUnknownFilesAndCodecs(t *testing.T) {
	h := run(t, func(c *media.Config) { c.SettleTime = 100 * time.Millisecond })
	s := h.publish(t, "KEY")
	for i := range 100 {
		s.audio(uint32(i)*26, []byte("\x2fmp3"))
	}
	h.stream(t, "KEY", "sound", func(s media.StreamStats) bool { return s.FramesIn == 100 })
	if status, _, _ := page(t, h.hlsURL("KEY")); status != 415 {
		t.Fatal(status)
	}
	s.audio(3000, []byte("\x2fmp3")) // continues in another format
	h.watch(t, h.flvURL("KEY")).sees([]byte("\x2fmp3"))
}

// shown decodes the pictures of a stream. It returns their times in milliseconds since the first picture, and hashes of
// their content.
func shown(t testing.TB, from string) (times []int, hashes []string) {
	t.Helper()
	text := tool(t, "ffmpeg", "-i", from, "-map", "0:v", "-copyts", "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-f", "framemd5", "-")
	for _, line := range strings.Split(text, "\n") {
		if f := strings.Split(line, ","); len(f) == 6 && line[0] != '#' {
			var at int
			_, _ = fmt.Sscan(f[2], &at)
			times, hashes = append(times, at), append(hashes, strings.TrimSpace(f[5]))
		}
	}
	for i := range times {
		times[len(times)-1-i] -= times[0]
	}
	return times, hashes
}

func TestFFmpegPlaysHLS(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	for name, plain := range map[string]bool{"of low latency": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := run(t, func(c *media.Config) { c.HLS.Muxer.NoLowLatency, c.HLS.Muxer.Segments = plain, 60 }) // a slow player loses none
			_, all := shown(t, film(t))
			all = slices.Repeat(all, 5)
			var sending sync.WaitGroup
			defer sending.Wait()
			sending.Go(func() { send(t, film(t), h.publishURL("KEY"), "-stream_loop", "4") })
			h.stream(t, "KEY", "a second group", func(s media.StreamStats) bool { return s.GOP == 25 })
			p := h.playHLS(t, "KEY") // the files of this session stay after the end of the stream, if the player is slow
			_, session, _ := strings.Cut(p.lists[0], "?")
			times, got := shown(t, p.base+"index.m3u8?"+session)
			at := strings.Index(strings.Join(all, " "), strings.Join(got, " "))
			if len(got) < 50 || at < 0 {
				t.Fatalf("%d pictures, at %d", len(got), at)
			}
			for i := range times[1:] {
				step := times[i+1] - times[i]
				if again := (at/33+i+1)%75 == 0; step < 39 || step > 41 && !again || step > 80 { // allows for audio that is a little longer than the video
					t.Fatalf("picture %d is %d ms after the picture before it", i+1, step)
				}
			}
		})
	}
}

// TestMP3IsLeftOutOfHLS checks that HLS serves the video of a stream with MP3, and that one log message reports the
// missing track.
func TestMP3IsLeftOutOfHLS(t *testing.T) {
	var log logtest.Buffer
	h := run(t, func(c *media.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	s := h.publish(t, "KEY")
	s.video(0, avcHeader())
	for i := range uint32(75) {
		s.video(i*40, videoFrame(i%25 == 0, "picture"))
		s.audio(i*40, []byte("\x2f\xff\xfb\x90\x00mp3"))
	}
	h.stream(t, "KEY", "some seconds", func(s media.StreamStats) bool { return s.FramesIn == 1+2*75 })
	p := h.playHLS(t, "KEY")
	if status, list, _ := page(t, p.base+p.lists[0]); len(p.lists) != 1 || status != 200 || !strings.Contains(list, "#EXTINF") {
		t.Fatalf("%d playlists, status %d: %s", len(p.lists), status, list)
	}
	const line = `track left out of HLS`
	if n := strings.Count(log.String(), line); n != 1 || !strings.Contains(log.String(), "does not carry: mp3") {
		t.Fatalf("the log has %d lines about it: %s", n, log.String())
	}

	// If the stream has only MP3, nothing is left, and players get the refusal immediately.
	alone := h.publish(t, "ALONE")
	for i := range uint32(75) {
		alone.audio(i*26, []byte("\x2f\xff\xfb\x90\x00mp3"))
	}
	h.stream(t, "ALONE", "some seconds", func(s media.StreamStats) bool { return s.FramesIn == 75 })
	if status, _, _ := page(t, h.hlsURL("ALONE")); status == 200 {
		t.Fatalf("status %d", status)
	}
	if n := strings.Count(log.String(), line); n != 2 {
		t.Fatalf("the log has %d lines about it: %s", n, log.String())
	}
}

// TestFilesOfARestrictedStream fetches files of a stream that is not for everybody, until the player loses the right.
func TestFilesOfARestrictedStream(t *testing.T) {
	h := run(t, nil)
	s := h.onHLS(t, "KEY")
	as := func(user int64) string {
		return strings.Replace(h.hlsURL("KEY"), h.signer.Play("KEY"), h.signer.PlayAs("KEY", user, time.Unix(9, 0)), 1)
	}
	h.Restrict("KEY", true)
	_, index, _ := page(t, as(5))
	player := hlsPlayer{"http://" + h.http + "/live/KEY/", refs(index)}
	player.plays(t, s, 3, 2)
	_, list, header := page(t, player.base+player.lists[0])
	if cache := header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("the playlist has Cache-Control %q", cache)
	}
	files := refs(list)
	if len(files) == 0 {
		t.Fatalf("no files in %s", list)
	}
	withoutSession := regexp.MustCompile(`&session=[^&]*`)
	files = slices.DeleteFunc(files[:len(files)-1], func(file string) bool { return strings.HasPrefix(file, "gap") }) // the last one may not exist yet
	for _, file := range files {
		status, _, header := page(t, player.base+file)
		if !strings.Contains(file, "&session=") || status != http.StatusOK || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: status %d, %v", file, status, header)
		}
		if status, _, _ := page(t, player.base+withoutSession.ReplaceAllString(file, "")); status != http.StatusForbidden {
			t.Errorf("%s without a session: status %d, want 403", file, status)
		}
	}
	h.CutUser("KEY", 5)
	for _, file := range append(files, player.lists...) {
		if status, _, _ := page(t, player.base+file); status != http.StatusForbidden {
			t.Errorf("%s: status %d after the cut, want 403", file, status)
		}
	}
	h.Restrict("KEY", false)
	open := h.playHLS(t, "KEY")
	open.plays(t, s, 5, 2)
	h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "picture"))
	h.CutAnonymous("KEY", func(media.Client) bool { return false })
	h.stream(t, "KEY", "no players", func(s media.StreamStats) bool { return s.Players[media.HLS] == 0 && s.Players[media.HTTPFLV] == 0 })
	if status, _, _ := page(t, open.base+open.lists[0]); status != http.StatusForbidden {
		t.Errorf("status %d, want 403", status)
	}
}
