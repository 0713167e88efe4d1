package holds_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/waittest"
	"roomlog/projections/holds"
	"roomlog/projections/projtest"
)

// TestOneFailingHoldDoesNotStopTheOthers checks that holds are recorded and coins are opened while another hold cannot
// be recorded.
func TestOneFailingHoldDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	projtest.NewTraffic(w, 3, 1)
	bad := w.Head() + 1
	for i := range 3 {
		w.Forge(bad+int64(i), fmt.Sprintf("wallet-%d", i+1), 2, "coins.credited.v1", "[]", 0)
	}
	w.Project()
	w.CatchUp()
	var failing int64
	failure := errors.New("no answer")
	var log bytes.Buffer
	r := holds.NewRecorder(holds.Config{Queries: w.Queries, Projected: w.Store.Projected(), Log: slog.New(slog.NewTextHandler(&log, nil)),
		Execute: func(ctx context.Context, request domain.Request) (eventstore.Receipt, error) {
			switch c := request.Command.(type) {
			case domain.CloseCoins:
				if c.Position == failing {
					return eventstore.Receipt{}, failure
				}
			case domain.OpenCoins:
				if c.Position == failing {
					return eventstore.Receipt{}, failure
				}
			}
			return w.Sequencer.Execute(ctx, request)
		}})
	record := func(ofPosition int64) error {
		t.Helper()
		failing = ofPosition
		err := r.Record(t.Context())
		w.CatchUp()
		return err
	}
	closed := func() string {
		t.Helper()
		return w.Text("SELECT coalesce(string_agg(position::text, ' ' ORDER BY position), '') FROM read.coin_closing")
	}

	if err := record(bad); !errors.Is(err, failure) || !strings.Contains(err.Error(), fmt.Sprintf("position %d", bad)) {
		t.Errorf("got %v", err)
	}
	if got, want := closed(), fmt.Sprintf("%d %d", bad+1, bad+2); got != want {
		t.Errorf("closed because of %s, want %s", got, want)
	}
	if err := record(0); err != nil {
		t.Error(err)
	}
	for i := range 3 {
		w.Do(domain.SetEventAside{Position: bad + int64(i), Of: domain.Stream(fmt.Sprintf("wallet-%d", i+1)), EventType: "coins.credited.v1", Reason: "entered by hand"})
	}
	w.CatchUp()
	if err := record(bad + 1); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if got, want := closed(), fmt.Sprint(bad+1); got != want {
		t.Errorf("closed because of %s, want %s", got, want)
	}
	if err := record(0); err != nil || closed() != "" {
		t.Errorf("got %v, closed because of %s", err, closed())
	}
}

// TestFailuresAreLoggedOnce checks that Run logs a lasting failure once, and its end.
func TestFailuresAreLoggedOnce(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	projtest.NewTraffic(w, 1, 1)
	w.Forge(w.Head()+1, "wallet-1", 2, "coins.credited.v1", "[]", 0)
	w.Project()
	w.CatchUp()
	var log bytes.Buffer // written by Run only, read after it
	attempts, done := 0, make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := holds.NewRecorder(holds.Config{Queries: w.Queries, Projected: w.Store.Projected(), Log: slog.New(slog.NewTextHandler(&log, nil)),
		Execute: func(ctx context.Context, request domain.Request) (eventstore.Receipt, error) {
			w.Store.Projected().Notify()
			if attempts++; attempts < 4 {
				return eventstore.Receipt{}, errors.New("no answer")
			}
			defer close(done)
			return w.Sequencer.Execute(ctx, request)
		}})
	stopped := make(chan error)
	go func() { stopped <- r.Run(ctx) }()
	waittest.Receive(t, done, "the command")
	w.Eventually(func() error {
		if w.CatchUp(); w.Int("SELECT count(*) FROM read.coin_closing") == 0 {
			return errors.New("not closed")
		}
		return nil
	})
	cancel()
	if err := waittest.Receive(t, stopped, "the end of Run"); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "no answer"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}
