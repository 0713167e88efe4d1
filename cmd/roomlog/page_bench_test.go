package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/cdproto/network"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
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

const (
	heapComments = 2_000 // before the first measurement
	heapTimes    = 10    // as many before the second one: 20,000 comments are an hour with 5.5 comments/s
)

// BenchmarkFigurePageHeap measures whether the memory of the page grows with the number of comments that it has shown.
func BenchmarkFigurePageHeap(b *testing.B) {
	need(b, "chromium", "chromium", "chromium-browser", "google-chrome")
	at := serve(b, withDatabase(b), append([]string{"--data", dataDir(b), "--comment-rate", "100000", "--comment-burst", "100000"}, unhurried...)...)
	anna := join(b, at, "anna")
	live := anna.open("An evening with Anna")
	socket := anna.connect("")
	enter(b, socket, live, "")
	page := inspect(b, fmt.Sprintf("http://%s/watch/%d", at.addr, live), 1440)
	page.does(`await signUp("bert"); await shown('[data-state="joined"]')`)
	for b.Loop() {
		page.receives(socket, live, 0, heapComments)
		heap, nodes := page.inUse()
		page.receives(socket, live, heapComments, heapTimes*heapComments)
		later, laterNodes := page.inUse()
		b.Logf("after %d comments %.1f MB and %.0f nodes, after %d comments %.1f MB and %.0f nodes", heapComments, heap/1e6, nodes, heapTimes*heapComments, later/1e6, laterNodes)
		b.ReportMetric(later/heap, "page_heap_growth")
		b.ReportMetric(laterNodes/nodes, "page_nodes_growth")
		page.sound()
	}
}

// receives posts comments and waits until the page shows the last one.
func (p *inspector) receives(s *socket, live int64, from, to int) {
	p.t.Helper()
	const batch = 50
	for ; from < to; from += batch {
		var answers []<-chan frame
		for i := from; i < from+batch; i++ {
			answer, err := s.send("comment.post", map[string]any{"live": live, "text": fmt.Sprintf("comment %d", i)}, "")
			if err != nil {
				p.t.Fatal(err)
			}
			answers = append(answers, answer)
		}
		for _, answer := range answers {
			if f := <-answer; f.Type != "ok" {
				p.t.Fatalf("a comment is answered %s %s", f.Type, f.Data)
			}
		}
	}
	p.does(fmt.Sprintf(`await has(".said", /^comment %d$/)`, to-1))
}

// inUse returns the bytes that JavaScript uses after a garbage collection, and the number of nodes of the document, also of those
// that are not shown. It waits until no comment flies.
func (p *inspector) inUse() (heap, nodes float64) {
	p.t.Helper()
	p.does(`await until(() => !$(".fly"))`)
	err := chromedp.Run(p.ctx, heapprofiler.CollectGarbage(), heapprofiler.CollectGarbage(), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		if heap, _, _, _, err = runtime.GetHeapUsage().Do(ctx); err != nil {
			return err
		}
		_, n, _, err := memory.GetDOMCounters().Do(ctx)
		nodes = float64(n)
		return err
	}))
	if err != nil {
		p.t.Fatal(err)
	}
	return heap, nodes
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
