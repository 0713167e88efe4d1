package hooks_test

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/internal/logtest"
	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/hooks"
)

const (
	secret  = "a secret of the hooks"
	timeout = 3 * time.Minute
)

// receiver is a webhook receiver.
type receiver struct {
	*httptest.Server
	t      *testing.T
	answer func(n hooks.Notification, tries int) int

	mu       sync.Mutex
	accepted []hooks.Notification
	tries    map[string]int
}

func receive(t *testing.T, answer func(n hooks.Notification, tries int) int) *receiver {
	t.Helper()
	r := &receiver{t: t, answer: answer, tries: make(map[string]int)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	var n hooks.Notification
	if err = errors.Join(err, json.Unmarshal(body, &n)); err != nil || q.Header.Get("Roomlog-Hook") != n.Hook {
		r.t.Errorf("%s: %v", body, err)
	}
	at, signature, _ := strings.Cut(strings.TrimPrefix(q.Header.Get("Roomlog-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "." + string(body)))
	if hex.EncodeToString(mac.Sum(nil)) != signature {
		r.t.Errorf("wrong signature %s of %s", q.Header.Get("Roomlog-Signature"), body)
	}
	r.mu.Lock()
	r.tries[n.Hook+n.ID]++
	tries := r.tries[n.Hook+n.ID]
	r.mu.Unlock()
	status := r.answer(n, tries)
	r.mu.Lock()
	if status < 300 {
		r.accepted = append(r.accepted, n)
	}
	r.mu.Unlock()
	w.WriteHeader(status)
}

// took waits until the receiver has accepted n notifications and returns them.
func (r *receiver) took(n int) []hooks.Notification {
	r.t.Helper()
	for deadline := time.Now().Add(timeout); ; {
		r.mu.Lock()
		taken := append([]hooks.Notification(nil), r.accepted...)
		r.mu.Unlock()
		if len(taken) >= n {
			return taken
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d of %d notifications arrived", len(taken), n)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func open(t *testing.T, url string, change func(*hooks.Config)) *hooks.Hooks {
	t.Helper()
	cfg := hooks.Config{HookURL: url, HookSecret: secret, Node: "p1", Now: time.Now}
	if change != nil {
		change(&cfg)
	}
	h, err := hooks.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func start(t *testing.T, h *hooks.Hooks) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func client(id string) media.Client {
	return media.Client{ID: id, Address: "192.0.2.1:5", Protocol: media.RTMP, Args: url.Values{"sign": {"1-a"}},
		Fields: map[string]any{"app": "live", "sign": "another", "deep": map[string]any{}}}
}

func accept(hooks.Notification, int) int { return http.StatusNoContent }

func TestPreHooksMayReject(t *testing.T) {
	t.Parallel()
	r := receive(t, func(n hooks.Notification, _ int) int {
		if n.ID == "bad" {
			return http.StatusForbidden
		}
		return http.StatusOK
	})
	h := open(t, r.URL, nil)
	for id, want := range map[string]error{"good": nil, "bad": hooks.ErrRejected} {
		requested := map[string]error{
			"connect": h.AuthorizeConnect(t.Context(), media.ConnectRequest{Client: client(id), App: "live"}),
			"publish": h.AuthorizePublish(t.Context(), media.PublishRequest{Client: client(id), Key: "KEY"}),
			"play":    h.AuthorizePlay(t.Context(), media.PlayRequest{Client: client(id), Key: "KEY"}),
		}
		for what, err := range requested {
			if !errors.Is(err, want) || errors.Is(err, media.ErrUnavailable) {
				t.Errorf("got %s of %s: %v", what, id, err)
			}
		}
	}
	n := r.took(3)[1]
	if n.StreamPath != "" && n.StreamPath != "/live/KEY" || n.Args["sign"] != "1-a" || n.Args["app"] != "live" || len(n.Args) != 2 || n.ID != "good" || n.Seq != 0 {
		t.Errorf("got %+v", n)
	}
}

func TestHookFailureDecidesWhenAPreHookFails(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	defer close(hang)
	for name, answer := range map[string]func(hooks.Notification, int) int{
		"an error":         func(hooks.Notification, int) int { return http.StatusBadGateway },
		"a redirect":       func(hooks.Notification, int) int { return http.StatusFound },
		"too many at once": func(hooks.Notification, int) int { return http.StatusTooManyRequests },
		"no answer":        func(hooks.Notification, int) int { <-hang; return http.StatusOK },
	} {
		r := receive(t, answer)
		for _, failure := range []string{hooks.FailureRejects, hooks.FailureAccepts} {
			allow := failure == hooks.FailureAccepts
			h := open(t, r.URL, func(c *hooks.Config) { c.HookFailure, c.HookTimeout = failure, 100*time.Millisecond })
			err := h.AuthorizePublish(t.Context(), media.PublishRequest{Client: client("a"), Key: "KEY"})
			if allow && err != nil || !allow && !errors.Is(err, media.ErrUnavailable) {
				t.Errorf("%s, allowed %v: %v", name, allow, err)
			}
		}
	}
}

func TestNotificationsAreDeliveredInOrder(t *testing.T) {
	t.Parallel()
	r := receive(t, func(n hooks.Notification, tries int) int {
		if tries <= int(n.Seq)%3 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	h := open(t, r.URL, nil)
	start(t, h)
	b := media.Broadcast{ID: "b1", Key: "KEY", Publisher: client("p"), Video: "h264", Bytes: 99}
	h.Connected(t.Context(), client("p"))
	h.BroadcastChanged(b, "", 6, 41)
	h.PlayStarted(t.Context(), media.PlaySession{Client: client("v"), Key: "KEY"})
	h.PlayStopped(t.Context(), media.PlaySession{Client: client("v"), Key: "KEY", Bytes: 7}, media.ReasonStalled)
	h.BroadcastChanged(b, media.ReasonLost, 6, 44)
	h.Disconnected(t.Context(), client("p"))
	taken := r.took(6)
	inOrder := func(publish bool) (numbers []uint64) {
		for _, n := range taken {
			if strings.HasSuffix(n.Hook, "publish") == publish {
				numbers = append(numbers, n.Seq)
			}
		}
		return numbers
	}
	if got, others := inOrder(true), inOrder(false); !slices.Equal(got, []uint64{2, 5}) || !slices.Equal(others, []uint64{1, 3, 4, 6}) {
		t.Fatalf("got publish hooks %v and others %v", got, others)
	}
	slices.SortFunc(taken, func(a, b hooks.Notification) int { return cmp.Compare(a.Seq, b.Seq) })
	for i, want := range []string{"post_connect", "post_publish", "post_play", "done_play", "done_publish", "done_connect"} {
		if n := taken[i]; n.Hook != want || n.Seq != uint64(i+1) || n.Node != "p1" {
			t.Errorf("%d: got %+v", i, n)
		}
	}
	if n := taken[1]; n.Live != 6 || n.Position != 41 || n.Broadcast != "b1" || n.Media.Video != "h264" || n.Bytes != 0 || n.Reason != "" {
		t.Errorf("got %+v", n)
	}
	if n := taken[4]; n.Position != 44 || n.Reason != media.ReasonLost || n.Bytes != 99 {
		t.Errorf("got %+v, want Position 44, Reason %v, Bytes 99", n, media.ReasonLost)
	}
	if n := taken[3]; n.Reason != media.ReasonStalled || n.Bytes != 7 {
		t.Errorf("got %+v, want Reason %v, Bytes 7", n, media.ReasonStalled)
	}
	if s := h.Stats(); s.Delivered < 5 || s.Retried == 0 || s.Dropped != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestRejectedNotificationsAreDropped(t *testing.T) {
	t.Parallel()
	r := receive(t, func(n hooks.Notification, _ int) int {
		switch n.ID {
		case "refused":
			return http.StatusNotFound
		case "never":
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	h := open(t, r.URL, func(c *hooks.Config) { c.QueueLength, c.RetryFor = 6, 500*time.Millisecond })
	for _, id := range []string{"refused", "never", "last", "no room"} {
		h.Connected(t.Context(), client(id))
	}
	start(t, h)
	if taken := r.took(1); taken[0].ID != "last" || taken[0].Seq != 3 {
		t.Errorf(`got %+v, want taken[0].ID "last", taken[0].Seq 3`, taken[0])
	}
	h.Connected(t.Context(), client("after"))
	if taken := r.took(2); taken[1].ID != "after" || taken[1].Seq != 5 { // number 4 is missing, because its notification was dropped
		t.Errorf(`got %+v, want taken[1].ID "after", taken[1].Seq 5`, taken[1])
	}
	if s := h.Stats(); s.Dropped != 3 {
		t.Errorf("got %+v, want Dropped 3", s)
	}
}

func TestNumbersThatJSONLacksAreLeftOut(t *testing.T) {
	t.Parallel()
	r := receive(t, func(n hooks.Notification, _ int) int {
		if strings.HasPrefix(n.Hook, "pre_") {
			return http.StatusForbidden
		}
		return http.StatusOK
	})
	h := open(t, r.URL, func(c *hooks.Config) { c.HookFailure = hooks.FailureAccepts })
	start(t, h)
	odd := client("odd")
	odd.Fields = map[string]any{"a": math.NaN(), "b": math.Inf(1), "c": math.Inf(-1), "d": 1.5}
	if err := h.AuthorizePublish(t.Context(), media.PublishRequest{Client: odd, Key: "KEY"}); !errors.Is(err, hooks.ErrRejected) {
		t.Error(err)
	}
	h.Connected(t.Context(), odd)
	if n := r.took(1)[0]; n.Args["d"] != 1.5 || len(n.Args) != 2 {
		t.Errorf(`got %+v, want Args["d"] 1.5, 2 Args`, n)
	}
}

func TestNotificationsThatCannotBeEncodedAreDropped(t *testing.T) {
	t.Parallel()
	r := receive(t, accept)
	var odd atomic.Bool // whether the year is one that JSON cannot represent
	h := open(t, r.URL, func(c *hooks.Config) {
		c.HookFailure = hooks.FailureAccepts
		c.Now = func() time.Time {
			if odd.Load() {
				return time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)
			}
			return time.Now()
		}
	})
	odd.Store(true)
	if err := h.AuthorizePublish(t.Context(), media.PublishRequest{Client: client("a"), Key: "KEY"}); !errors.Is(err, hooks.ErrRejected) || errors.Is(err, media.ErrUnavailable) {
		t.Error(err)
	}
	h.Connected(t.Context(), client("odd"))
	odd.Store(false)
	h.Connected(t.Context(), client("after"))
	start(t, h)
	if n := r.took(1)[0]; n.ID != "after" || h.Stats().Dropped != 1 {
		t.Errorf("got %+v, %+v", n, h.Stats())
	}
}

func TestOtherHooksDoNotDisplacePublishHooks(t *testing.T) {
	t.Parallel()
	r := receive(t, accept)
	var log logtest.Buffer
	h := open(t, r.URL, func(c *hooks.Config) { c.QueueLength, c.Log = 4, slog.New(slog.NewTextHandler(&log, nil)) })
	for range 5 {
		h.Connected(t.Context(), client("other"))
		h.PlayStarted(t.Context(), media.PlaySession{Client: client("other"), Key: "KEY"})
	}
	for range 3 {
		h.BroadcastChanged(media.Broadcast{ID: "b1", Key: "KEY", Publisher: client("p")}, "", 6, 41)
	}
	if s := h.Stats(); s.Waiting != 4 || s.Dropped != 9 || log.Count("webhook queue full") != 2 {
		t.Errorf("%+v, warned %d times, want Waiting 4, Dropped 9, 2", s, log.Count("webhook queue full"))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Run(ended); err != nil { // at shutdown, hooks about broadcasts are delivered first
		t.Fatal(err)
	}
	if taken := r.took(4); taken[0].Hook != "post_publish" || taken[1].Hook != "post_publish" || taken[2].ID != "other" || taken[3].ID != "other" {
		t.Errorf("got %+v, want 2 post_publish first", taken)
	}
}

// TestOtherHooksDoNotDelayPublishHooks sends a publish hook while the receiver does not respond to hooks about connections.
func TestOtherHooksDoNotDelayPublishHooks(t *testing.T) {
	t.Parallel()
	hang, arrived := make(chan struct{}), make(chan struct{}, 1000)
	r := receive(t, func(n hooks.Notification, _ int) int {
		if n.Hook == "post_connect" {
			arrived <- struct{}{}
			<-hang
		}
		return http.StatusNoContent
	})
	h := open(t, r.URL, nil)
	start(t, h)
	defer close(hang)
	for range 100 {
		h.Connected(t.Context(), client("other"))
	}
	waittest.Receive(t, arrived, "a hook about a connection")
	h.BroadcastChanged(media.Broadcast{ID: "b1", Key: "KEY", Publisher: client("p")}, "", 6, 41)
	if taken := r.took(1); taken[0].Hook != "post_publish" || taken[0].Seq != 101 {
		t.Errorf("got %+v, want post_publish with Seq 101", taken)
	}
}

func TestConnectHooksOfAnAddressAreLimited(t *testing.T) {
	t.Parallel()
	r := receive(t, accept)
	now := time.Now()
	h := open(t, r.URL, func(c *hooks.Config) {
		c.ConnectsPerMinute, c.HookFailure, c.Now = 3, hooks.FailureAccepts, func() time.Time { return now }
	})
	connect := func(address string) error {
		c := client("stranger")
		c.Address = address
		return h.AuthorizeConnect(t.Context(), media.ConnectRequest{Client: c, App: "live"})
	}
	for i := range 5 {
		if err := connect(fmt.Sprintf("192.0.2.1:%d", i+1)); errors.Is(err, media.ErrLimitReached) != (i >= 3) || err != nil != (i >= 3) {
			t.Errorf("connection %d: got %v", i, err)
		}
	}
	if err := connect("192.0.2.2:1"); err != nil {
		t.Errorf("another address: %v", err)
	}
	if taken := r.took(4); len(taken) != 4 {
		t.Errorf("%d hooks were sent, want 4", len(taken))
	}
	now = now.Add(time.Minute)
	if err := connect("192.0.2.1:9"); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

// TestRepeatedFetchesSendOneHook repeats fetches of an HLS index, with new signs, as a player or a loop does. Whatever the receiver
// may decide about is sent once more.
func TestRepeatedFetchesSendOneHook(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	r := receive(t, func(n hooks.Notification, _ int) int {
		arrived.Add(1)
		if n.Args["ticket"] == "bad" {
			return http.StatusForbidden
		}
		return http.StatusNoContent
	})
	now := time.Now()
	h := open(t, r.URL, func(c *hooks.Config) { c.Now, c.ConnectsPerMinute = func() time.Time { return now }, 12 })
	fetch := func(change func(*media.PlayRequest)) error {
		q := media.PlayRequest{Client: media.Client{ID: "v", Address: "192.0.2.1:5", Protocol: media.HLS, User: 7, Args: url.Values{"sign": {"1-a-7"}, "ticket": {"good"}}}, Key: "KEY", Fetch: true}
		if change != nil {
			change(&q)
		}
		return h.AuthorizePlay(t.Context(), q)
	}
	sent := func(what string, n int64, want error, repeats int, change func(*media.PlayRequest)) {
		t.Helper()
		before := arrived.Load()
		for i := range repeats {
			if err := fetch(change); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%s, request %d: got %v, want %v", what, i, err, want)
			}
		}
		if got := arrived.Load() - before; got != n {
			t.Errorf("%s: %d hooks were sent, want %d", what, got, n)
		}
	}
	sent("the same fetch", 1, nil, 5, nil)
	sent("from another port with a new sign", 0, nil, 2, func(q *media.PlayRequest) { q.Client.Address, q.Client.Args["sign"] = "192.0.2.1:6", []string{"2-b-7"} })
	sent("of another user", 1, nil, 3, func(q *media.PlayRequest) { q.Client.User = 8 })
	sent("from another address", 1, nil, 3, func(q *media.PlayRequest) { q.Client.Address = "192.0.2.2:5" })
	sent("of another stream", 1, nil, 3, func(q *media.PlayRequest) { q.Key = "OTHER" })
	sent("with other arguments", 2, hooks.ErrRejected, 2, func(q *media.PlayRequest) { q.Client.Args["ticket"] = []string{"bad"} })
	sent("on a connection", 3, nil, 3, func(q *media.PlayRequest) { q.Fetch = false })
	now = now.Add(59 * time.Second)
	sent("within the minute", 0, nil, 2, nil)
	now = now.Add(time.Second)
	sent("a minute later", 1, nil, 2, nil)
	sent("of a loop with other arguments", 11, hooks.ErrRejected, 11, func(q *media.PlayRequest) { q.Client.Args["ticket"] = []string{"bad"} })
	sent("of a loop that goes on", 0, media.ErrLimitReached, 3, func(q *media.PlayRequest) { q.Client.Args["ticket"] = []string{"bad"} })
	sent("of a player beside the loop", 0, nil, 2, nil)
}

// TestWaitingForOtherHooksIsNoFailure sends more play hooks than are sent at the same time. The receiver has not seen the last
// one when its time is over. The client must be refused, although failures of the receiver accept clients.
func TestWaitingForOtherHooksIsNoFailure(t *testing.T) {
	t.Parallel()
	attempt := func() bool {
		hang, arrived := make(chan struct{}), make(chan struct{}, 1000)
		r := receive(t, func(n hooks.Notification, _ int) int {
			if n.ID == "last" {
				return http.StatusForbidden
			}
			arrived <- struct{}{}
			<-hang
			return http.StatusNoContent
		})
		h := open(t, r.URL, func(c *hooks.Config) { c.HookTimeout, c.HookFailure = 4900*time.Millisecond, hooks.FailureAccepts })
		play := func(ctx context.Context, id string) error {
			return h.AuthorizePlay(ctx, media.PlayRequest{Client: client(id), Key: "KEY"})
		}
		var all sync.WaitGroup
		defer all.Wait()
		release := sync.OnceFunc(func() { close(hang) })
		defer release()
		var ended atomic.Int64
		for range 64 {
			all.Go(func() {
				_ = play(t.Context(), "first")
				ended.Add(1)
				arrived <- struct{}{} // a hook may time out before it arrives; the attempt is repeated then
			})
		}
		for range 64 {
			waittest.Receive(t, arrived, "a play hook")
		}
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := play(short, "last")
		if ended.Load() > 0 {
			return false
		}
		if !errors.Is(err, media.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, media.ErrUnavailable)
		}
		release()
		if err := play(t.Context(), "last"); !errors.Is(err, hooks.ErrRejected) {
			t.Errorf("got %v, want %v", err, hooks.ErrRejected)
		}
		return true
	}
	for range 5 { // On a slow machine, a hook may end before the last one is refused.
		if attempt() {
			return
		}
	}
	t.Error("the last hook was refused only after others had ended")
}

func TestQueuedArgumentsAreTruncated(t *testing.T) {
	t.Parallel()
	r := receive(t, accept)
	h := open(t, r.URL, nil)
	talker := client("talker")
	for i := range 100 {
		talker.Fields[fmt.Sprintf("%03d%s", i, strings.Repeat("n", 997))] = strings.Repeat("é", 500)
	}
	if err := h.AuthorizePublish(t.Context(), media.PublishRequest{Client: talker, Key: "KEY"}); err != nil {
		t.Fatal(err)
	}
	h.Connected(t.Context(), talker)
	start(t, h)
	taken := r.took(2)
	if len(taken[0].Args) != 102 { // a pre hook has all arguments
		t.Errorf("pre hook with %d arguments, want 102", len(taken[0].Args))
	}
	if len(taken[1].Args) != 32 {
		t.Errorf("post hook with %d arguments, want 32", len(taken[1].Args))
	}
	for name, value := range taken[1].Args {
		if len(name) != 256 || value != strings.Repeat("é", 128) {
			t.Fatalf("argument %.300q with a name of %d bytes", value, len(name))
		}
	}
}

func TestQueueIsDeliveredAtShutdown(t *testing.T) {
	t.Parallel()
	r := receive(t, accept)
	h := open(t, r.URL, nil)
	for range 50 {
		h.Disconnected(t.Context(), client("p"))
	}
	start(t, h)()
	if taken := r.took(50); len(taken) != 50 {
		t.Errorf("%d were delivered, want 50", len(taken))
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*hooks.Config){
		"no address":       func(c *hooks.Config) { c.HookURL = "" },
		"another protocol": func(c *hooks.Config) { c.HookURL = "ftp://x/" },
		"no host":          func(c *hooks.Config) { c.HookURL = "http:///x" },
		"a short secret":   func(c *hooks.Config) { c.HookSecret = "short" },
		"no clock":         func(c *hooks.Config) { c.Now = nil },
		"no name":          func(c *hooks.Config) { c.Node = "" },
	} {
		cfg := hooks.Config{HookURL: "http://localhost/", HookSecret: secret, Node: "p1", Now: time.Now}
		change(&cfg)
		if _, err := hooks.New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestAddressOfTheReceiverIsNotLogged checks that errors name only the host of the receiver, because its path and query may
// contain a token.
func TestAddressOfTheReceiverIsNotLogged(t *testing.T) {
	t.Parallel()
	r := receive(t, accept)
	r.Close()
	h := open(t, r.URL+"/token-in-path?key=token-in-query", nil)
	err := h.AuthorizePublish(t.Context(), media.PublishRequest{Client: client("a"), Key: "KEY"})
	if err == nil || strings.Contains(err.Error(), "token-in") || !strings.Contains(err.Error(), strings.TrimPrefix(r.URL, "http://")) {
		t.Errorf("got %v, want an error with the host alone", err)
	}
}

// TestConnectHooksDelayNoOthers fills all connections of connect hooks, which clients without a sign can cause. Other hooks must
// be sent before a connect hook has ended.
func TestConnectHooksDelayNoOthers(t *testing.T) {
	t.Parallel()
	attempt := func() bool {
		hang, arrived := make(chan struct{}), make(chan struct{}, 1000)
		r := receive(t, func(n hooks.Notification, _ int) int {
			if n.Hook == "pre_connect" {
				arrived <- struct{}{}
				<-hang
			}
			return http.StatusNoContent
		})
		h := open(t, r.URL, func(c *hooks.Config) { c.HookTimeout = 4900 * time.Millisecond })
		start(t, h)
		var all sync.WaitGroup
		var ended atomic.Int64
		for range 100 {
			all.Go(func() {
				_ = h.AuthorizeConnect(t.Context(), media.ConnectRequest{Client: client("stranger"), App: "live"})
				ended.Add(1)
				arrived <- struct{}{} // a hook may time out before it arrives; the attempt is repeated then
			})
		}
		defer all.Wait()
		defer close(hang)
		for range 64 {
			waittest.Receive(t, arrived, "a connect hook")
		}
		h.BroadcastChanged(media.Broadcast{ID: "b1", Key: "KEY", Publisher: client("p")}, "", 6, 41)
		_ = h.AuthorizePublish(t.Context(), media.PublishRequest{Client: client("p"), Key: "KEY"})
		_ = h.AuthorizePlay(t.Context(), media.PlayRequest{Client: client("v"), Key: "KEY"})
		r.took(3)
		return ended.Load() == 0
	}
	for range 5 { // On a slow machine, a connect hook may end before the others are sent.
		if attempt() {
			return
		}
	}
	t.Error("other hooks were sent only after connect hooks had ended")
}
