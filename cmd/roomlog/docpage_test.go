package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// inspector controls a page in a real browser, and collects what goes wrong on it.
type inspector struct {
	t     testing.TB
	ctx   context.Context
	width int64

	mu       sync.Mutex
	faults   []string // console errors, exceptions, violations of the security policy
	requests []string // the addresses of all requests
}

// inspect opens address in a real browser, in a window that is width pixels wide.
func inspect(t testing.TB, address string, width int64) *inspector {
	t.Helper()
	profile := openBrowser(t, "about:blank")
	var debugger string
	eventually(t, "the browser can be controlled", func() bool {
		text, _ := os.ReadFile(filepath.Join(profile, "DevToolsActivePort"))
		port, path, found := strings.Cut(strings.TrimSpace(string(text)), "\n")
		debugger = "ws://127.0.0.1:" + port + path
		return found
	})
	allocator, closeAllocator := chromedp.NewRemoteAllocator(t.Context(), debugger, chromedp.NoModifyURL)
	t.Cleanup(closeAllocator)
	return openPage(t, allocator, address, width)
}

// another opens address in a new window of the same browser, in a context of its own: it shares no cookies and no storage
// with p.
func (p *inspector) another(address string) *inspector {
	p.t.Helper()
	browser := cdp.WithExecutor(p.ctx, chromedp.FromContext(p.ctx).Browser)
	id, err := target.CreateBrowserContext().WithDisposeOnDetach(true).Do(browser)
	if err != nil {
		p.t.Fatal(err)
	}
	window, err := target.CreateTarget("about:blank").WithBrowserContextID(id).WithNewWindow(true).Do(browser)
	if err != nil {
		p.t.Fatal(err)
	}
	return openPage(p.t, p.ctx, address, p.width, chromedp.WithTargetID(window))
}

// tab opens address in another tab of the same context.
func (p *inspector) tab(address string) *inspector {
	p.t.Helper()
	return openPage(p.t, p.ctx, address, p.width)
}

// openPage opens address in a page that ends with parent.
func openPage(t testing.TB, parent context.Context, address string, width int64, options ...chromedp.ContextOption) *inspector {
	t.Helper()
	ctx, closePage := chromedp.NewContext(parent, options...)
	t.Cleanup(closePage)
	p := &inspector{t: t, ctx: ctx, width: width}
	chromedp.ListenTarget(ctx, p.handle)
	p.drive(log.Enable(), network.Enable(), chromedp.EmulateViewport(width, 844),
		pages.BringToFront()) // a page in the background does not render what it shows later
	if _, benchmark := t.(*testing.B); !benchmark {
		p.drive(beforeDocuments(recordMessages))
	}
	p.drive(chromedp.Navigate(address))
	return p
}

// beforeDocuments lets the page run a script in each new document, before the scripts of the document.
func beforeDocuments(script string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := pages.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	})
}

// drive executes actions in the page, and fails the test if they do not end. A context with a deadline would not do: the first
// actions of a page would close it when their context ends.
func (p *inspector) drive(actions ...chromedp.Action) {
	p.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- chromedp.Run(p.ctx, actions...) }()
	select {
	case err := <-ended:
		if err != nil {
			p.t.Fatal(err)
		}
	case <-time.After(timeout):
		p.t.Fatalf("actions in the page do not end; the page: %s", p.condition())
	}
}

func (p *inspector) handle(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError {
			p.faults = append(p.faults, fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *runtime.EventExceptionThrown:
		p.faults = append(p.faults, "exception: "+e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			p.faults = append(p.faults, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	}
}

// run runs the body of an asynchronous function in the page, and returns its result. The function may call until, which
// waits for a result that is not false.
func (p *inspector) run(body string, result any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	script := `(async () => {
		const until = async (check) => { for (;;) { const found = check(); if (found) return found; await new Promise((r) => setTimeout(r, 20)); } };
		const all = (selector, text) => [...document.querySelectorAll(selector)].filter((e) => (e.innerText || e.ariaLabel || "").match(text));
		` + body + `
	})()`
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	if err := chromedp.Run(ctx, chromedp.Evaluate(script, result, await)); err != nil {
		if captures != "" {
			p.screenshot(filepath.Join(captures, "failed.webp"))
		}
		p.t.Logf("the page: %s", p.condition())
		p.t.Fatalf("%v, in\n%s", err, strings.TrimPrefix(body, onPage))
	}
}

// condition describes a page on which a function has failed: its address, its videos and what has gone wrong on it.
func (p *inspector) condition() string {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	var found string
	err := chromedp.Run(ctx, chromedp.Evaluate(`JSON.stringify({
		address: location.href,
		text: document.body.innerText.slice(0, 1000),
		videos: [...document.querySelectorAll("video")].map((v) => ({
			time: v.currentTime, width: v.videoWidth, paused: v.paused, ready: v.readyState, network: v.networkState, error: v.error?.message, src: v.currentSrc,
			buffered: Array.from(v.buffered, (_, i) => [v.buffered.start(i), v.buffered.end(i)]), quality: v.getVideoPlaybackQuality(), way: v.closest(".player")?.dataset,
		})),
	})`, &found))
	if err != nil {
		return err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%s; faults: %q; last requests: %q", found, p.faults, p.requests[max(0, len(p.requests)-20):])
}

// reload loads the page again, and returns when the new document is loaded. A function that reloads its own page may end with
// the old document, without a reply, and the next one may run in the old document.
func (p *inspector) reload() {
	p.t.Helper()
	p.drive(chromedp.Reload())
}

// js returns a text as a literal of JavaScript.
func js(text string) string {
	literal, _ := json.Marshal(text) // a text can always be encoded
	return string(literal)
}

// close closes the page.
func (p *inspector) close() {
	p.t.Helper()
	p.drive(pages.Close())
}

// sound requires that nothing went wrong.
func (p *inspector) sound() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.faults) > 0 {
		p.t.Errorf("the page reports %q", p.faults)
	}
}

// check requires that nothing went wrong, and that all requests were sent to the server.
func (p *inspector) check(server string) {
	p.t.Helper()
	p.sound()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, address := range p.requests {
		if !strings.HasPrefix(address, server) && !strings.HasPrefix(address, "data:") {
			p.t.Errorf("the page sends a request to %s", address)
		}
	}
}

// TestDocumentationPage opens /docs in a real browser, on a wide and on a narrow screen: the operations are grouped by tag,
// the search finds them, a request is executed, errors have codes, and the WebSocket protocol has its page.
func TestDocumentationPage(t *testing.T) {
	t.Parallel()
	need(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30", "--image", "https://cdn.example/rose.png")
	server := "http://" + at.addr
	for name, width := range map[string]int64{"wide": 1280, "narrow": 390} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rest := inspect(t, server+"/docs", width)
			var groups []string
			rest.run(`
				await until(() => document.querySelector('a[href="#rest/tag/lives/POST/api/live/create"]'));
				return [...document.querySelectorAll('a[href^="#rest/tag/"]')].map((a) => a.getAttribute("href")).filter((h) => h.split("/").length === 3);`, &groups)
			for _, tag := range []string{"accounts", "lives", "recordings", "gifts-and-coins", "histories", "operators", "chat-pages", "service"} {
				if !slices.Contains(groups, "#rest/tag/"+tag) {
					t.Errorf("the page has the groups %q, want %s among them", groups, tag)
				}
			}

			var found string
			rest.run(`
				(await until(() => all("button", /Search/)[0])).click();
				const input = await until(() => document.querySelector("[role=dialog] input"));
				input.value = "movements";
				input.dispatchEvent(new Event("input", {bubbles: true}));
				const option = await until(() => all("[role=option]", /coin account/)[0]);
				const text = option.innerText;
				option.click();
				await until(() => location.hash.endsWith("GET/api/coin/history"));
				return text;`, &found)
			if !strings.Contains(found, "/api/coin/history") {
				t.Errorf("the search finds %q, want GET /api/coin/history", found)
			}

			var response string
			rest.run(`
				location.hash = "#rest/tag/gifts-and-coins/GET/api/gift/list";
				const operation = await until(() => document.getElementById("rest/tag/gifts-and-coins/GET/api/gift/list"));
				operation.scrollIntoView();
				(await until(() => [...operation.querySelectorAll("button")].find((b) => /Test Request/.test(b.innerText)))).click();
				(await until(() => all("[role=dialog] button", /^Send/)[0])).click();
				const dialog = await until(() => [...document.querySelectorAll("[role=dialog]")].find((e) => e.textContent.includes('"Rose"')));
				return dialog.innerText;`, &response)
			if !strings.Contains(response, "200 OK") {
				t.Errorf("the response of the request is shown as %q, want 200 OK", response)
			}

			var size struct{ Content, Window int64 }
			rest.run(`return {content: document.documentElement.scrollWidth, window: innerWidth};`, &size)
			if size.Window != width || size.Content > width {
				t.Errorf("the page is %d pixels wide in a window of %d, want no more than %d", size.Content, size.Window, width)
			}
			rest.check(server)

			protocol := inspect(t, server+"/docs#websocket", width)
			var shown string
			protocol.run(`return (await until(() => document.querySelector('a[href="#websocket/channel/ws/operation/giftsend"]'))).textContent;`, &shown)
			if !strings.Contains(shown, "Sends gifts in a live") {
				t.Errorf("the page of the WebSocket protocol shows gift.send as %q", shown)
			}
			protocol.check(server)
		})
	}
}
