package main_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// hooked collects the webhooks that it receives.
type hooked struct {
	mu       sync.Mutex
	received []string
	at       []int64 // positions of the hooks in the log
}

func (h *hooked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n struct {
		Hook     string `json:"hook"`
		Path     string `json:"stream_path"`
		Reason   string `json:"reason"`
		Position int64  `json:"position"`
	}
	body, _ := io.ReadAll(r.Body)
	t, signature, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Roomlog-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(t + "." + string(body)))
	if json.Unmarshal(body, &n) != nil || hex.EncodeToString(mac.Sum(nil)) != signature {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.received = append(h.received, strings.TrimSpace(n.Hook+" "+n.Reason))
	if n.Position > 0 {
		h.at = append(h.at, n.Position)
	}
	if n.Hook == "pre_play" {
		w.WriteHeader(http.StatusForbidden)
	}
}

func (h *hooked) list() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.received, ", ")
}

const hookSecret = "the-secret-of-these-hooks"

func TestWebhooksAreCalled(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	h := &hooked{}
	receiver := httptest.NewServer(h)
	t.Cleanup(receiver.Close)
	at := serve(t, append(withDatabase(t), "ROOMLOG_HOOK_SECRET="+hookSecret), "--data", dataDir(t), "--hook-url", receiver.URL)
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	room := anna.create("a show")
	if err := publish(t, film(t, 2), at.rtmpURL(room)).wait(); err != nil {
		t.Error(err)
	}
	eventually(t, "the observer got the ends", func() bool {
		return strings.Contains(h.list(), "done_connect") && strings.Contains(h.list(), "done_publish")
	})
	var connect, publishing []string
	for _, hook := range strings.Split(h.list(), ", ") { // publish hooks have a queue of their own
		if strings.Contains(hook, "_connect") {
			connect = append(connect, hook)
		} else {
			publishing = append(publishing, hook)
		}
	}
	if !slices.Equal(connect, []string{"pre_connect", "post_connect", "done_connect"}) || !slices.Equal(publishing, []string{"pre_publish", "post_publish", "done_publish stopped"}) {
		t.Errorf("the receiver of webhooks got %s", h.list())
	}
	if len(h.at) != 2 || h.at[0] >= h.at[1] {
		t.Errorf("positions %v", h.at)
	}
	if got := status(t, at.flvURL(bert.read(room.Data.ID), ".flv")); got != http.StatusForbidden {
		t.Errorf("whom a hook rejects is answered %d, want %v", got, http.StatusForbidden)
	}
}

// TestWebhooksOfEvents lets two servers send events to a webhook that the command line has added. The one that sends is killed while
// the receiver has not answered.
func TestWebhooksOfEvents(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ids, names := map[string]int{}, []string{}
	hold, arrived := make(chan struct{}), make(chan struct{}, 1000)
	release := sync.OnceFunc(func() { close(hold) })
	var verifier *standard.Webhook
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e struct{ Type, Sequence, Withheld string }
		arrived <- struct{}{}
		<-hold
		mu.Lock()
		defer mu.Unlock()
		if err := verifier.Verify(body, r.Header); err != nil || json.Unmarshal(body, &e) != nil || e.Withheld == "" {
			t.Errorf("%v: %s", err, body)
		}
		if ids[r.Header.Get("webhook-id")]++; ids[r.Header.Get("webhook-id")] == 1 {
			names = append(names, e.Type+" "+e.Sequence)
		}
	}))
	t.Cleanup(receiver.Close) // waits for the requests
	t.Cleanup(release)
	env, data := withDatabase(t), dataDir(t)
	settings := []string{"--data", data, "--webhook-networks", "127.0.0.1", "--roles", "api,projector"}
	first := serve(t, env, settings...)
	out := first.roomlog("webhooks", "add", "people", "--url", receiver.URL, "--type", "user.registered.v1")
	_, secret, _ := strings.Cut(out, "\nsecret ")
	var err error
	if verifier, err = standard.NewWebhook(strings.TrimSpace(secret)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"anna", "bert", "carl"} {
		join(t, first, name)
	}
	awaitSignal(t, "a webhook is called", arrived)
	second := serve(t, env, settings...)
	first.kill()
	release()
	join(t, second, "dora")
	eventually(t, "the receiver got four users", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(ids) == 4
	})
	mu.Lock()
	defer mu.Unlock()
	if !slices.IsSorted(names) {
		t.Errorf("got %v", names)
	}
}

// receiver is a receiver of webhooks that accepts nothing until accept is called.
type receiver struct {
	*httptest.Server
	working  atomic.Bool
	received atomic.Int64
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !r.working.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.received.Add(1)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) accept()         { r.working.Store(true) }
func (r *receiver) accepted() int64 { return r.received.Load() }
