package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

const (
	benchComments = 200              // comments/s, 60 of which fly over the picture
	benchTrace    = 10 * time.Second // duration of a trace
	benchLoads    = 5
)

// paintedScript keeps the time at which the first frame with the title of a live was produced.
const paintedScript = `addEventListener("DOMContentLoaded", () => new MutationObserver((_, observer) => {
	if (!document.querySelector(".facts h1")) return;
	observer.disconnect();
	requestAnimationFrame(() => setTimeout(() => (window.painted = performance.now())));
}).observe(document, {childList: true, subtree: true}));`

// BenchmarkFigurePage measures the page in Chromium: the time until a live is painted, with an empty cache, and the longest task
// of the main thread while 200 comments a second arrive, 60 of which fly over the picture.
func BenchmarkFigurePage(b *testing.B) {
	need(b, "chromium", "chromium", "chromium-browser", "google-chrome")
	at := serve(b, withDatabase(b), append([]string{"--data", dataDir(b), "--comment-rate", "100000", "--comment-burst", "100000"}, unhurried...)...)
	anna := join(b, at, "anna")
	live := anna.open("An evening with Anna")
	site := "http://" + at.addr
	page := inspect(b, "about:blank", 1440)
	for b.Loop() {
		b.ReportMetric(firstPaint(b, page, fmt.Sprintf("%s/watch/%d", site, live)), "page_first_paint_ms")
		page.does(`await signUp("bert"); await shown('[data-state="joined"]')`)
		b.ReportMetric(longestTask(b, page, func() { commentFor(b, at, live, benchTrace) }), "page_long_task_ms")
		page.sound()
	}
}

// firstPaint returns the median of the milliseconds from the begin of a navigation until the title of the live is painted.
func firstPaint(b *testing.B, page *inspector, address string) float64 {
	b.Helper()
	script := chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := pages.AddScriptToEvaluateOnNewDocument(paintedScript).Do(ctx)
		return err
	})
	if err := chromedp.Run(page.ctx, network.SetCacheDisabled(true), script); err != nil {
		b.Fatal(err)
	}
	times := make([]float64, benchLoads)
	for i := range times {
		if err := chromedp.Run(page.ctx, chromedp.Navigate(address)); err != nil {
			b.Fatal(err)
		}
		page.run(`return until(() => window.painted);`, &times[i])
	}
	slices.Sort(times)
	b.Logf("first paints: %.0f ms", times)
	return times[benchLoads/2]
}

// commentFor lets four users post benchComments comments a second for a time.
func commentFor(b *testing.B, at *process, live int64, long time.Duration) {
	b.Helper()
	const users = 4
	var group sync.WaitGroup
	for u := range users {
		s := join(b, at, fmt.Sprintf("fan%d", u)).connect("")
		enter(b, s, live, "")
		group.Go(func() {
			tick := time.NewTicker(time.Second * users / benchComments)
			defer tick.Stop()
			for i := range int(long.Seconds() * benchComments / users) {
				<-tick.C
				if _, err := s.send("comment.post", map[string]any{"live": live, "text": fmt.Sprintf("comment %d of fan %d: what a lovely evening!", i, u)}, ""); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// traced is an event of a trace.
type traced struct {
	Name     string  `json:"name"`
	Phase    string  `json:"ph"`
	Process  int     `json:"pid"`
	Thread   int     `json:"tid"`
	Duration float64 `json:"dur"`  // µs
	CPU      float64 `json:"tdur"` // µs of CPU time
	Args     struct {
		Name string `json:"name"`
	} `json:"args"`
}

// longestTask traces the page while do runs, and returns the longest task of its main thread in milliseconds of CPU time. Time in
// which the thread waits for a processor depends on other programs, and is only logged.
func longestTask(b *testing.B, page *inspector, do func()) float64 {
	b.Helper()
	var mu sync.Mutex
	var events []traced
	complete := make(chan struct{})
	chromedp.ListenTarget(page.ctx, func(event any) {
		switch e := event.(type) {
		case *tracing.EventDataCollected:
			mu.Lock()
			defer mu.Unlock()
			for _, raw := range e.Value {
				var one traced
				if err := json.Unmarshal(raw, &one); err == nil {
					events = append(events, one)
				}
			}
		case *tracing.EventTracingComplete:
			close(complete)
		}
	})
	config := &tracing.TraceConfig{IncludedCategories: []string{"toplevel", "disabled-by-default-devtools.timeline", "__metadata"}}
	if err := chromedp.Run(page.ctx, tracing.Start().WithTraceConfig(config).WithTransferMode(tracing.TransferModeReportEvents)); err != nil {
		b.Fatal(err)
	}
	do()
	if err := chromedp.Run(page.ctx, tracing.End()); err != nil {
		b.Fatal(err)
	}
	select {
	case <-complete:
	case <-time.After(timeout):
		b.Fatal("the trace does not end")
	}
	mu.Lock()
	defer mu.Unlock()
	main := map[[2]int]bool{}
	for _, e := range events {
		if e.Name == "thread_name" && e.Args.Name == "CrRendererMain" {
			main[[2]int{e.Process, e.Thread}] = true
		}
	}
	var tasks int
	var longest, waited float64
	for _, e := range events {
		if (e.Name == "RunTask" || e.Name == "ThreadControllerImpl::RunTask") && e.Phase == "X" && main[[2]int{e.Process, e.Thread}] {
			tasks++
			longest, waited = max(longest, e.CPU/1000), max(waited, e.Duration/1000)
		}
	}
	if tasks < 100 {
		b.Fatalf("the trace has %d tasks of the main thread among %d events", tasks, len(events))
	}
	b.Logf("%d tasks of the main thread, the longest %.1f ms of CPU time; with waiting for a processor %.1f ms", tasks, longest, waited)
	return longest
}
