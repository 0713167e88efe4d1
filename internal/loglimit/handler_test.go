package loglimit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"roomlog/internal/loglimit"
	"roomlog/internal/logtest"
	"roomlog/internal/wait"
)

var errLost = errors.New("connection refused")

// lines collects log lines without time.
type lines struct{ logtest.Buffer }

func (l *lines) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.TrimSpace(l.Take()); got != strings.Join(want, "\n") {
		t.Errorf("logged:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

func open(burst int) (*lines, *loglimit.Handler, *slog.Logger) {
	l := &lines{}
	h := loglimit.New(loglimit.Config{
		Next: slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}),
		Now: time.Now, Burst: burst,
		Suspect: func(err error) bool { return errors.Is(err, errLost) || errors.Is(err, context.DeadlineExceeded) },
		Outage:  func(err error) bool { return errors.Is(err, errLost) },
	})
	return l, h, slog.New(h)
}

func TestRepetitions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _, log := open(2)
		log = log.With("user_id", 7)
		for i := range 5 {
			log.Warn("sign-in refused", "attempt", i)
			log.Error("check failed", "check", "log", "error", errors.New("x"))
			log.Info("request completed")
		}
		log.Error("check failed", "check", "tables")
		l.expect(t,
			`level=WARN msg="sign-in refused" user_id=7 attempt=0`, `level=ERROR msg="check failed" user_id=7 check=log error=x`, `level=INFO msg="request completed" user_id=7`,
			`level=WARN msg="sign-in refused" user_id=7 attempt=1`, `level=ERROR msg="check failed" user_id=7 check=log error=x`, `level=INFO msg="request completed" user_id=7`,
			`level=INFO msg="request completed" user_id=7`, `level=INFO msg="request completed" user_id=7`, `level=INFO msg="request completed" user_id=7`,
			`level=ERROR msg="check failed" user_id=7 check=tables`)
		wait.Sleep(t.Context(), 30*time.Second) // nobody calls Run
		log.Warn("sign-in refused", "attempt", 5)
		log.Warn("sign-in refused", "attempt", 6)
		l.expect(t, `level=WARN msg="sign-in refused" user_id=7 attempt=5 repeats=3`, `level=WARN msg="sign-in refused" user_id=7 attempt=6`)
	})
}

// run calls Run and returns a function that ends it.
func run(t *testing.T, h *loglimit.Handler) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestBurstEnds checks that the log contains the number of records that were left out, even if no further record of
// their kind follows.
func TestBurstEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h, log := open(1)
		stop := run(t, h)
		for i := range 4 {
			log.With("user_id", 7).Warn("sign-in refused", "attempt", i)
			log.Warn("disk failed")
		}
		l.expect(t, `level=WARN msg="sign-in refused" user_id=7 attempt=0`, `level=WARN msg="disk failed"`)
		wait.Sleep(t.Context(), time.Minute+time.Second)
		text := l.Take()
		for _, want := range []string{`level=WARN msg="sign-in refused" user_id=7 attempt=3 repeats=2`, `level=WARN msg="disk failed" repeats=2`} {
			if strings.Count(text, want) != 1 || strings.Count(text, "\n") != 2 {
				t.Errorf("logged:\n%s\nwant once: %s", text, want)
			}
		}
		for i := range 3 {
			log.Warn("sign-in refused", "attempt", i)
		}
		l.expect(t, `level=WARN msg="sign-in refused" attempt=0`)
		stop()
		l.expect(t, `level=WARN msg="sign-in refused" attempt=2 repeats=1`)
	})
}

func TestPaymentsAreNotLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h, log := open(2)
		go func() { _ = h.WatchDatabase(t.Context(), func(context.Context) error { return errLost }) }()
		log.Warn("reading failed", "error", context.DeadlineExceeded)
		synctest.Wait()
		l.expect(t, `level=WARN msg="reading failed" error="context deadline exceeded"`,
			`level=WARN msg="database cannot be reached or is too slow, waiting for it" error="connection refused"`)
		var want []string
		for i := range 10 {
			log.Warn("payment refused", "order_id", i, "error", errLost)
			want = append(want, fmt.Sprintf(`level=WARN msg="payment refused" order_id=%d error="connection refused"`, i))
		}
		l.expect(t, want...)
	})
}

func TestNumberOfKindsIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _, log := open(1)
		for i := range 1000 {
			log.Warn(fmt.Sprint("message ", i))
			if i == 0 {
				log.Warn("message 0")
				log.Warn("message 0")
			}
		}
		if n := l.Count("\n"); n != 1001 {
			t.Errorf("%d lines about 1000 different messages", n)
		}
		if !strings.Contains(l.String(), `msg="message 0" repeats=1`) {
			t.Error("the count of a kind was lost")
		}
	})
}

func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h, log := open(2)
		var mu sync.Mutex
		var lost error
		set := func(err error) { mu.Lock(); defer mu.Unlock(); lost = err }
		go func() {
			_ = h.WatchDatabase(t.Context(), func(context.Context) error { mu.Lock(); defer mu.Unlock(); return lost })
		}()
		log.Warn("reading failed", "error", errLost) // one connection is lost, but the database can be reached
		synctest.Wait()
		l.expect(t, `level=WARN msg="reading failed" error="connection refused"`)
		wait.Sleep(t.Context(), time.Minute)
		set(errLost)
		for range 100 {
			for i := range 10 {
				log.Warn(fmt.Sprintf("task %d failed", i), "error", fmt.Errorf("read: %w", errLost))
				synctest.Wait()
			}
			log.Warn("disk failed", "error", errors.New("input/output error"))
			wait.Sleep(t.Context(), 611*time.Millisecond)
		}
		set(nil)
		wait.Sleep(t.Context(), time.Second)
		log.Warn("task 1 failed", "error", errLost)
		synctest.Wait()
		l.expect(t,
			`level=WARN msg="task 0 failed" error="read: connection refused"`,
			`level=WARN msg="database cannot be reached or is too slow, waiting for it" error="connection refused"`,
			`level=WARN msg="disk failed" error="input/output error"`, `level=WARN msg="disk failed" error="input/output error"`,
			`level=WARN msg="database still cannot be reached or is too slow" duration=30s count=499 error="connection refused"`,
			`level=WARN msg="disk failed" error="input/output error" repeats=48`, `level=WARN msg="disk failed" error="input/output error"`,
			`level=WARN msg="database still cannot be reached or is too slow" duration=1m0s count=989 error="connection refused"`,
			`level=WARN msg="database can be reached again" duration=1m1.5s count=999`,
			`level=WARN msg="task 1 failed" error="connection refused"`)
	})
}
