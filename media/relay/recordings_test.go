package relay_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/media"
	"roomlog/media/relay"
)

// TestNodeOfARecordingIsForgotten checks that the node of a recording is looked up again only if it cannot be reached: not when it
// refuses a request, and not when the viewer has disconnected.
func TestNodeOfARecordingIsForgotten(t *testing.T) {
	t.Parallel()
	signer, err := media.NewSigner([]string{secret}, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	waiting, release := make(chan struct{}, 1), make(chan struct{})
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == relay.Path+"recordings/live-1/REFUSED/part.flv" {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		waiting <- struct{}{}
		<-release
	}))
	defer other.Close()
	defer close(release)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, test := range map[string]struct {
		id, url string
		abort   bool
		want    int64
	}{
		"it refuses":               {"REFUSED", other.URL, false, 0},
		"the viewer disconnects":   {"SLOW", other.URL, true, 0},
		"it cannot be reached":     {"ANY", gone.URL, false, 1},
		"both, viewer and node go": {"ANY", gone.URL, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var forgotten atomic.Int64
			s := relay.Recordings{Node: "edge", Signer: signer, Client: relay.NewClient(nil), Log: slog.New(slog.DiscardHandler),
				Find: func(context.Context, string, string) (relay.Origin, error) {
					return relay.Origin{Node: "origin", URL: test.url}, nil
				},
				Forget: func(string, string) { forgotten.Add(1) }}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			switch {
			case test.abort && test.url == other.URL:
				go func() {
					<-waiting
					cancel()
				}()
			case test.abort:
				cancel()
			}
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/recordings/live-1/"+test.id+"/part.flv", nil)
			if err := s.Serve(httptest.NewRecorder(), r, "live-1", test.id, "part.flv"); err == nil {
				t.Error("the file was served")
			}
			if got := forgotten.Load(); got != test.want {
				t.Errorf("the node was forgotten %d times, want %d", got, test.want)
			}
		})
	}
}
