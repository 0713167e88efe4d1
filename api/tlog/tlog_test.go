package tlog_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"roomlog/api/tlog"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/eventstore/transparency/tree"
	"roomlog/projections/projtest"
)

// TestStandbyThatIsBehindHasLostNothing connects a server to a standby that is behind. Readers must not conclude that
// the server has lost a part of the tree.
func TestStandbyThatIsBehindHasLostNothing(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	w := projtest.Open(t, &pgtest.DB{DSN: d.DSN()}, eventstore.Config{}, "test")
	follower, err := tree.NewFollower(tree.Config{Store: w.Store, Secrets: []string{strings.Repeat("s", 32)}})
	if err != nil {
		t.Fatal(err)
	}
	stop := w.Start(follower.Run)
	signed := func() {
		t.Helper()
		w.Eventually(func() error {
			if s := follower.Status(); s.SignedSize < w.Head() {
				return fmt.Errorf("signed %d of %d, %w", s.SignedSize, w.Head(), s.Err)
			}
			return nil
		})
	}

	h := tlog.Handler{Pool: w.Pool, Timeout: time.Minute, NotFound: http.NotFound, Failed: func(w http.ResponseWriter, _ *http.Request, err error) {
		status := http.StatusInternalServerError
		if eventstore.IsUnavailable(err) {
			status = http.StatusServiceUnavailable
		}
		http.Error(w, err.Error(), status)
	}}
	router := chi.NewRouter()
	router.Get(tlog.CheckpointPath, h.Checkpoint)
	router.Get("/tlog/tile/{level}/*", h.Tile)
	request := func(paths ...string) string {
		var all []string
		for _, path := range paths {
			recorder := httptest.NewRecorder()
			router.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
			all = append(all, fmt.Sprint(recorder.Code))
		}
		return strings.Join(all, " ")
	}

	w.AddGift("rose", 1)
	signed()
	first := fmt.Sprintf("/tlog/tile/0/000.p/%d", w.Head())
	standby := d.Standby()
	standby.CatchUp()
	standby.HoldBack()
	w.AddGift("boat", 1)
	signed()
	second, third := fmt.Sprintf("/tlog/tile/0/000.p/%d", w.Head()), fmt.Sprintf("/tlog/tile/0/000.p/%d", w.Head()+1)
	if got, want := request(tlog.CheckpointPath, first, second, third), "200 200 200 404"; got != want {
		t.Errorf("the primary responds with %s, want %s", got, want)
	}
	stop()
	d.LeadTo(standby)
	w.Pool.Reset()
	w.Eventually(func() error { return w.Pool.Ping(t.Context()) })
	if got, want := request(tlog.CheckpointPath, first, second), "503 200 503"; got != want {
		t.Errorf("the standby responds with %s, want %s", got, want)
	}
}
