package media_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/rtmp"
)

func get(t *testing.T, method, url string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func TestUnauthorizedPlayersGet403WithoutABody(t *testing.T) {
	h := run(t, nil)
	h.publish(t, "KEY").begin(0)
	expired, err := media.NewSigner([]string{secret}, time.Second, func() time.Time { return time.Now().Add(-time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	for name, query := range map[string]string{
		"no sign":           "",
		"a bad sign":        "?sign=" + h.signer.Play("KEY")[:20],
		"another's sign":    "?sign=" + h.signer.Play("OTHER"),
		"an expired sign":   "?sign=" + expired.Play("KEY"),
		"a malformed query": "?sign=%zz&sign=" + h.signer.Play("KEY"),
	} {
		for _, path := range []string{"KEY.flv", "KEY/index.m3u8"} {
			answer := get(t, "GET", "http://"+h.http+"/live/"+path+query, nil)
			body, err := io.ReadAll(answer.Body)
			if answer.StatusCode != http.StatusForbidden || len(body) != 0 || err != nil || answer.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s for %s: %s, %q, %v", name, path, answer.Status, body, answer.Header)
			}
		}
	}
	ws := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"IHfMdf8a0aQXbwQO1pkGdA=="}}
	if answer := get(t, "GET", "http://"+h.http+"/live/KEY.flv?sign=x", ws); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a WebSocket: %s, want answer.StatusCode %v", answer.Status, http.StatusForbidden)
	}
	ws.Del("Sec-Websocket-Key")
	if answer := get(t, "GET", h.flvURL("KEY"), ws); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("an incomplete WebSocket handshake: %s, want answer.StatusCode %v", answer.Status, http.StatusBadRequest)
	}
	for name, status := range map[string]int{"/live/KEY": 404, "/live/": 404, "/other/KEY.flv": 404, "/live/a.b.flv": 404, "/live/.flv": 404, "/": 404} {
		if answer := get(t, "GET", "http://"+h.http+name, nil); answer.StatusCode != status {
			t.Errorf("%s: got %s, want answer.StatusCode %v", name, answer.Status, status)
		}
	}
	if answer := get(t, "POST", h.flvURL("KEY"), nil); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a POST: %s, want answer.StatusCode %v", answer.Status, http.StatusMethodNotAllowed)
	}
}

func TestPreflightRequestsAreAnswered(t *testing.T) {
	h := run(t, nil)
	answer := get(t, "OPTIONS", "http://"+h.http+"/live/KEY.flv", http.Header{"Access-Control-Request-Headers": {"range, x-y"}, "Origin": {"https://app.example"}})
	head := answer.Header
	if answer.StatusCode != http.StatusNoContent || head.Get("Access-Control-Allow-Origin") != "*" || head.Get("Access-Control-Allow-Headers") != "range, x-y" || !strings.Contains(head.Get("Access-Control-Allow-Methods"), "GET") {
		t.Fatalf("got %s, %v", answer.Status, head)
	}
}

func TestPlayersGetNoByteBeforeThereIsAPublisher(t *testing.T) {
	h := run(t, nil)
	conn, err := net.Dial("tcp", h.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", strings.TrimPrefix(h.flvURL("KEY"), "http://"+h.http))
	h.stream(t, "KEY", "a player that waits", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 1 && !s.Publishing })
	_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	h.publish(t, "KEY").begin(0)
	_ = conn.SetReadDeadline(time.Now().Add(timeout))
	head := make([]byte, 300)
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	answer, body, _ := strings.Cut(string(head), "\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 200 OK\r\n") || !strings.Contains(answer, "Access-Control-Allow-Origin: *") || !strings.Contains(answer, "video/x-flv") || !strings.HasPrefix(body, "FLV\x01\x05") {
		t.Fatalf("got %q", head)
	}
}

func TestDisconnectedPlayersAreRemoved(t *testing.T) {
	h := run(t, nil)
	v := h.watch(t, h.flvURL("KEY"))
	h.stream(t, "KEY", "a player", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 1 })
	v.cancel()
	eventually(t, "the live has no viewers", func() bool { shot := h.Snapshot(); return len(shot.Streams) == 0 && shot.Connections == 0 })
	// a client that only sends data is refused, too
	conn, err := net.Dial("tcp", h.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", strings.TrimPrefix(h.flvURL("KEY"), "http://"+h.http))
	h.stream(t, "KEY", "a player", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 1 })
	_, _ = conn.Write(make([]byte, 100<<10))
	eventually(t, "the live has no viewers", func() bool { shot := h.Snapshot(); return len(shot.Streams) == 0 && shot.Connections == 0 })
}

// dialRequest connects over RTMP and sends a publish or play request.
func (h *testServer) dialRequest(t *testing.T, app string, request ...any) *sender {
	s := dialRTMP(t, h.rtmp)
	s.send(hello(app, request...))
	return s
}

func TestRTMPRefusals(t *testing.T) {
	h := run(t, nil)
	publisher := h.publish(t, "KEY")
	publisher.begin(0)
	signed := "KEY?sign=" + h.signer.Publish("KEY")
	v := h.watch(t, h.flvURL("KEY"))
	v.sees(videoFrame(true, "first"))
	for _, tt := range []struct {
		name, app string
		request   []any
		code      string
	}{
		{"publish without a sign", "live", []any{"publish", 3, nil, "KEY", "live"}, rtmp.PublishUnauthorized},
		{"publish with a sign for playing", "live", []any{"publish", 3, nil, "KEY?sign=" + h.signer.Play("KEY"), "live"}, rtmp.PublishUnauthorized},
		{"publish with the sign of another stream", "live", []any{"publish", 3, nil, "KEY?sign=" + h.signer.Publish("K2"), "live"}, rtmp.PublishUnauthorized},
		{"play without a sign", "live", []any{"play", 3, nil, "KEY"}, rtmp.PlayUnauthorized},
		{"publish a stream that is already published", "live", []any{"publish", 3, nil, signed, "live"}, rtmp.PublishBadName},
		{"the same, with the sign in the app", "live?sign=" + h.signer.Publish("KEY"), []any{"publish", 3, nil, "KEY", "live"}, rtmp.PublishBadName},
		{"publish elsewhere", "other", []any{"publish", 3, nil, signed, "live"}, `Unknown app "other": the address is rtmp://HOST/live/KEY`},
		{"publish without a key", "live", []any{"publish", 3, nil, "?sign=" + h.signer.Publish("KEY"), "live"}, "The stream key is missing"},
		{"play elsewhere", "other", []any{"play", 3, nil, signed}, rtmp.PlayNotFound},
		{"publish an invalid name", "live", []any{"publish", 3, nil, "%zz?sign=x", "live"}, rtmp.PublishFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := h.dialRequest(t, tt.app, tt.request...)
			for i := range 20 { // players must not receive media that the refused publisher sends
				s.video(uint32(i), videoFrame(true, "injected"))
			}
			s.expect(tt.code)
			s.gone()
			if s.hears(rtmp.PublishStart) || s.hears(rtmp.PlayStart) {
				t.Fatal("it was accepted")
			}
			if s.hears(rtmp.PublishBadName) && tt.code != rtmp.PublishBadName {
				t.Fatal("encoders show that as: already publishing")
			}
		})
	}
	publisher.video(40, videoFrame(true, "last"))
	if got := kinds(v.sees(videoFrame(true, "last"))); len(got) != 6 { // metadata, two headers, a key frame, audio, and the last key frame
		t.Fatalf("a viewer got %q", got)
	}
	if h.Snapshot().Refused < 8 {
		t.Fatalf("%d refusals counted", h.Snapshot().Refused)
	}
}

func TestPublishSignGrantsPlaying(t *testing.T) {
	h := run(t, nil)
	h.publish(t, "KEY").begin(0)
	h.watch(t, "http://"+h.http+"/live/KEY.flv?sign="+h.signer.Publish("KEY")).sees(videoFrame(true, "first"))
	s := h.dialRequest(t, "live?sign="+h.signer.Play("KEY"), "play", 3, nil, "KEY")
	s.expect("first")
}

// testAuthorizer is an Authorizer whose decisions a test controls.
type testAuthorizer struct {
	media.SignAuthorizer
	connect func(media.ConnectRequest) error
	publish func(media.PublishRequest) error
	play    func(media.PlayRequest) error
}

func (g testAuthorizer) AuthorizeConnect(_ context.Context, r media.ConnectRequest) error {
	return g.connect(r)
}
func (g testAuthorizer) AuthorizePublish(_ context.Context, r media.PublishRequest) error {
	return g.publish(r)
}
func (g testAuthorizer) AuthorizePlay(_ context.Context, r media.PlayRequest) error { return g.play(r) }

func TestAuthorizerGetsTheClient(t *testing.T) {
	requested := make(chan any, 10)
	h := run(t, func(c *media.Config) {
		c.Authorizer = testAuthorizer{
			connect: func(r media.ConnectRequest) error { requested <- r; return nil },
			publish: func(r media.PublishRequest) error { requested <- r; return nil },
			play:    func(r media.PlayRequest) error { requested <- r; return nil },
		}
	})
	s := h.dialRequest(t, "live?a=1", "publish", 3, nil, "KEY?sign=x&b=2", "live")
	s.expect(rtmp.PublishStart)
	hello := waittest.Receive(t, requested, "a request to the authorizer").(media.ConnectRequest)
	if hello.App != "live?a=1" || hello.Client.Fields["app"] != "live?a=1" || hello.Client.Address == "" || hello.Client.ID == "" {
		t.Errorf("got %+v", hello)
	}
	r := waittest.Receive(t, requested, "a request to the authorizer").(media.PublishRequest)
	if r.Key != "KEY" || r.Sign != "x" || r.Client.ID != hello.Client.ID || r.Client.Args.Get("b") != "2" || r.Client.Args.Get("a") != "1" || r.Client.Protocol != media.RTMP {
		t.Errorf("got %+v", r)
	}
	h.watch(t, "http://"+h.http+"/live/KEY.flv?sign=y&c=3")
	p := waittest.Receive(t, requested, "a request to the authorizer").(media.PlayRequest)
	if p.Key != "KEY" || p.Sign != "y" || p.Client.Args.Get("c") != "3" || p.Client.Protocol != media.HTTPFLV || p.Client.ID == r.Client.ID || p.Fetch {
		t.Errorf("got %+v", p)
	}
	for _, path := range []string{"/index.m3u8", "/snapshot.jpg"} {
		get(t, "GET", "http://"+h.http+"/live/KEY"+path+"?sign=z", nil)
		if p := waittest.Receive(t, requested, "a request to the authorizer").(media.PlayRequest); p.Key != "KEY" || p.Sign != "z" || !p.Fetch {
			t.Errorf("%s: got %+v", path, p)
		}
	}
}

func TestUnavailableAuthorizerAsksClientsToRetry(t *testing.T) {
	down := fmt.Errorf("%w: no database", media.ErrUnavailable)
	h := run(t, func(c *media.Config) {
		c.Authorizer = testAuthorizer{
			connect: func(r media.ConnectRequest) error {
				if strings.HasPrefix(r.App, "closed") {
					return errors.New("closed")
				}
				if strings.HasPrefix(r.App, "full") {
					return media.ErrLimitReached
				}
				return nil
			},
			publish: func(media.PublishRequest) error { return down },
			play:    func(media.PlayRequest) error { return down },
		}
	})
	h.dialRequest(t, "live", "publish", 3, nil, "KEY", "live").expect(rtmp.PublishFailed)
	h.dialRequest(t, "live", "play", 3, nil, "KEY").expect(rtmp.PlayFailed)
	h.dialRequest(t, "closed", "play", 3, nil, "KEY").expect(rtmp.ConnectRejected)
	h.dialRequest(t, "full", "play", 3, nil, "KEY").expect("Too many connections from this address. Try again later.")
	if answer := get(t, "GET", "http://"+h.http+"/live/KEY.flv", nil); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Fatal(answer.Status)
	}
}

func TestLimitsOfConnectionsAndStreams(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits media.Limits
	}{
		{"players", media.Limits{MaxMediaConnections: 2}},
		{"players from one address", media.Limits{MaxMediaPerAddress: 2}},
		{"players of one stream", media.Limits{MaxStreamPlayers: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := run(t, func(c *media.Config) { c.Limits = tt.limits })
			s := h.publish(t, "KEY")
			s.begin(0)
			first := h.watch(t, h.flvURL("KEY"))
			first.sees(videoFrame(true, "first"))
			h.dialRequest(t, "live", "play", 3, nil, "KEY?sign="+h.signer.Play("KEY")).expect("first")
			if answer := get(t, "GET", h.flvURL("KEY"), nil); answer.StatusCode != http.StatusServiceUnavailable {
				t.Fatal(answer.Status)
			}
			h.dialRequest(t, "live", "play", 3, nil, "KEY?sign="+h.signer.Play("KEY")).expect(rtmp.PlayFailed)
			first.cancel()
			eventually(t, "a free slot", func() bool { return h.Snapshot().Players == 1 })
			h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "first"))
		})
	}
	t.Run("streams", func(t *testing.T) {
		h := run(t, func(c *media.Config) { c.Limits.MaxStreams = 1 })
		h.publish(t, "KEY").begin(0)
		h.dialRequest(t, "live", "publish", 3, nil, "OTHER?sign="+h.signer.Publish("OTHER"), "live").expect(rtmp.PublishFailed)
	})
	t.Run("streams with waiting players", func(t *testing.T) {
		h := run(t, func(c *media.Config) { c.Limits.MaxStreams = 2 })
		waiting := h.watch(t, h.flvURL("A"))
		h.watch(t, h.flvURL("B"))
		eventually(t, "two waiting players", func() bool { return h.Snapshot().Players == 2 })
		h.watch(t, h.flvURL("C")) // Keys that players wait for do not count as streams.
		eventually(t, "three waiting players", func() bool { return h.Snapshot().Players == 3 })
		first := h.publish(t, "C")
		h.publish(t, "D")
		for _, key := range []string{"A", "E"} {
			h.dialRequest(t, "live", "publish", 3, nil, key+"?sign="+h.signer.Publish(key), "live").expect(rtmp.PublishFailed)
		}
		first.Close()
		eventually(t, "the end of a publisher", func() bool { return h.Snapshot().Connections == 4 })
		h.publish(t, "A").begin(0)
		waiting.sees(videoFrame(true, "first"))
	})
	t.Run("players that wait for a stream keep no publisher and no player out", func(t *testing.T) {
		h := run(t, func(c *media.Config) { c.Limits.MaxMediaConnections = 2 })
		first := h.watch(t, h.flvURL("A"))
		eventually(t, "a waiting player", func() bool { return h.Snapshot().Players == 1 })
		h.watch(t, h.flvURL("B"))
		eventually(t, "two waiting players", func() bool { return h.Snapshot().Connections == 2 })
		h.publish(t, "C").begin(0)
		h.watch(t, h.flvURL("C")).sees(videoFrame(true, "first"))
		if err := first.ended(); err == nil {
			t.Error("the player that has waited longest was not disconnected")
		}
		h.dialRequest(t, "live", "play", 3, nil, "C?sign="+h.signer.Play("C")).expect("first")
		eventually(t, "only players that receive something", func() bool { return len(h.Snapshot().Streams) == 1 })
	})
	t.Run("players that receive a stream keep no publisher out", func(t *testing.T) {
		h := run(t, func(c *media.Config) { c.Limits.MaxMediaConnections = 1 })
		h.publish(t, "A").begin(0)
		h.watch(t, h.flvURL("A")).sees(videoFrame(true, "first"))
		h.publish(t, "B")
	})
	t.Run("strangers", func(t *testing.T) {
		h := run(t, func(c *media.Config) { c.Limits.MaxPendingPerAddress = 2 })
		first := dialRTMP(t, h.rtmp)
		eventually(t, "one connection is pending", func() bool { return h.Snapshot().Pending == 1 })
		second := dialRTMP(t, h.rtmp)
		eventually(t, "two connections are pending", func() bool { return h.Snapshot().Pending == 2 })
		third := dialRTMP(t, h.rtmp)
		first.gone() // the first connection has waited longest
		third.Close()
		second.send(hello("live", "publish", 3, nil, "KEY?sign="+h.signer.Publish("KEY"), "live"))
		second.expect(rtmp.PublishStart) // the connection is no longer pending
		eventually(t, "no connection is pending", func() bool { return h.Snapshot().Pending == 0 })
		h.publish(t, "OTHER")
	})
}
