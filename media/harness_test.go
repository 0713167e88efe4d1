package media_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"roomlog/media"
	"roomlog/media/rtmp"
)

// timeout is the time that a test waits for something that should happen soon.
const timeout = 3 * time.Minute

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// testServer is a running server with its listeners.
type testServer struct {
	*media.Server
	rtmp, http string // addresses of the server
	signer     *media.Signer
	log        *recorder
	stop       func() // stops the server and waits for it
}

const secret = "a-secret-of-this-server"

// run starts a server that requires signs. change may modify its configuration.
func run(t testing.TB, change func(*media.Config)) *testServer {
	t.Helper()
	signer, err := media.NewSigner([]string{secret}, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h := &testServer{signer: signer, log: &recorder{}}
	cfg := media.Config{Authorizer: media.SignAuthorizer{Signer: signer}, Observer: h.log, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	// the timeouts are so long that no client is late on a slow machine
	cfg.RTMP = rtmp.Config{HandshakeTimeout: timeout, MessageTimeout: timeout, ControlTimeout: timeout, MediaTimeout: timeout}
	cfg.SettleTime, cfg.StreamGrace = 5*time.Second, timeout
	cfg.HLS.Muxer.WaitTimeout, cfg.HLS.IdleTimeout, cfg.HLS.Linger = timeout, timeout, timeout
	if change != nil {
		change(&cfg)
	}
	if h.Server, err = media.New(cfg); err != nil {
		t.Fatal(err)
	}
	h.open(t)
	return h
}

func (h *testServer) open(t testing.TB) {
	t.Helper()
	rtmpListener, httpListener := listen(t), listen(t)
	h.rtmp, h.http = rtmpListener.Addr().String(), httpListener.Addr().String()
	web := &http.Server{Handler: h.Server, ReadHeaderTimeout: timeout}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() {
		if err := h.ServeRTMP(ctx, rtmpListener); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() {
		if err := web.Serve(httpListener); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	h.stop = sync.OnceFunc(func() {
		cancel()
		_ = web.Close()
		all.Wait()
	})
	t.Cleanup(h.stop)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// publishURL, rtmpURL and flvURL return the URLs that clients get.
func (h *testServer) publishURL(key string) string {
	return "rtmp://" + h.rtmp + "/live/" + key + "?sign=" + h.signer.Publish(key)
}

func (h *testServer) rtmpURL(key string) string {
	return "rtmp://" + h.rtmp + "/live/" + key + "?sign=" + h.signer.Play(key)
}

func (h *testServer) flvURL(key string) string {
	return "http://" + h.http + "/live/" + key + ".flv?sign=" + h.signer.Play(key)
}

// stream waits until fits returns true for the stream of a key.
func (h *testServer) stream(t testing.TB, key, what string, fits func(media.StreamStats) bool) media.StreamStats {
	t.Helper()
	var found media.StreamStats
	eventually(t, what, func() bool {
		for _, s := range h.Snapshot().Streams {
			if s.Key == key && fits(s) {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

func onAir(s media.StreamStats) bool { return s.Publishing }

// recorder is an Observer that stores its notifications.
type recorder struct {
	mu       sync.Mutex
	notified []string
	seen     []media.Broadcast
}

func (r *recorder) PublishStarted(_ context.Context, s media.Broadcast) { r.add("started "+s.Key, s) }

func (r *recorder) PublishStopped(_ context.Context, s media.Broadcast, why media.Reason) {
	r.add("stopped "+s.Key+" "+string(why), s)
}

func (r *recorder) add(what string, s media.Broadcast) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notified, r.seen = append(r.notified, what), append(r.seen, s)
}

func (r *recorder) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.notified...)
}

func (r *recorder) broadcast(i int) media.Broadcast {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[i]
}

// wait waits for a notification.
func (r *recorder) wait(t testing.TB, what string) {
	t.Helper()
	eventually(t, "the observer has the notification "+what, func() bool {
		for _, notified := range r.list() {
			if notified == what {
				return true
			}
		}
		return false
	})
}

// quiet returns a logger that discards messages, for tests that cause warnings.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
