package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// page is a web page that loads the script from the server, connects with its default transports, joins a live and
// posts a comment. It reports each event to the server of the test.
const page = `<!DOCTYPE html><meta charset="utf-8"><title>live</title>
<script>
const report = (event, more) => fetch('/report', {method: 'POST', body: JSON.stringify(Object.assign({event}, more))});
window.onerror = (message) => { report('error', {text: String(message)}); };
</script>
<script src="%[1]s/socket.io/socket.io.js"></script>
<script>
const socket = io('%[1]s');
const carrier = () => socket.io.engine.transport.name;
let joined = false;
socket.io.on('open', () => { // the upgrade may be faster than the answer to CONNECT
  report('open', {carrier: carrier()});
  socket.io.engine.on('upgrade', () => report('upgrade', {carrier: carrier()}));
});
socket.on('connect', () => {
  socket.on(socket.id, (no) => report('refused', {text: no.data && no.data.payload}));
  socket.emit('joinLive', %[2]s);
});
socket.on('connect_error', (e) => report('error', {text: String(e)}));
socket.on('online', (list) => {
  if (joined || !list.clients.includes(socket.id)) return;
  joined = true;
  report('online', {text: list.data.map((person) => person.name).join()});
  socket.emit('comment', Object.assign({data: %[3]s}, %[2]s));
});
socket.on('comment', (c) => report('comment', {id: String(c.user.id), text: c.content}));
</script>`

// visit is an event that the page reported.
type visit struct{ Event, ID, Carrier, Text string }

// browse opens a page in a real browser and returns the events that the page reports.
func browse(t testing.TB, html string) <-chan visit {
	t.Helper()
	visits := make(chan visit, 1000)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, html)
		case "/report":
			var v visit
			if err := json.NewDecoder(r.Body).Decode(&v); err == nil {
				visits <- v
			}
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(site.Close)
	openBrowser(t, site.URL+"/")
	return visits
}

// browsers lets one test at a time run browsers, because each browser takes the time of both processors of a small machine.
// A test and its subtests may run several.
var browsers browserTurn

type browserTurn struct {
	mu     sync.Mutex
	test   string // test that has the turn; "": none
	open   int    // browsers of the test
	passed chan struct{}
}

// take waits for the turn. The turn ends when the test closes its last browser.
func (b *browserTurn) take(t testing.TB) {
	t.Helper()
	test, _, _ := strings.Cut(t.Name(), "/")
	for !b.join(test) {
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.open--; b.open == 0 {
			b.test = ""
			close(b.passed)
		}
	})
}

// join takes the turn for a test, or waits until another test has passed it on and reports false.
func (b *browserTurn) join(test string) bool {
	b.mu.Lock()
	if b.open == 0 || b.test == test {
		if b.open == 0 {
			b.passed = make(chan struct{})
		}
		b.test = test
		b.open++
		b.mu.Unlock()
		return true
	}
	passed := b.passed
	b.mu.Unlock()
	<-passed
	return false
}

// openBrowser opens a page in a real browser. It returns the folder of the browser's profile, in which the browser writes
// the address for its debuggers.
func openBrowser(t testing.TB, url string) (profile string) {
	t.Helper()
	program := need(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	browsers.take(t)
	profile, err := os.MkdirTemp("", "roomlog-browser-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
		// A test uses several windows in turn; none may become slow because another one is in front.
		"--disable-renderer-backgrounding", "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
		"--user-data-dir="+profile, url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it is many processes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		_ = os.RemoveAll(profile)
	})
	return profile
}

// TestBrowserPagesWork opens a page of another origin in a real browser. The page uses the official script, which make
// assets installs, with the default transports of the script.
func TestBrowserPagesWork(t *testing.T) {
	t.Parallel()
	need(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	need(t, "node", "npm")
	officialClients(t)
	assets := t.TempDir()
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--assets", assets}, unhurried...)...)
	anna, nora := join(t, at, "anna"), join(t, at, "nora")
	live := anna.open("An evening with Anna")
	native := nora.connect("")
	enter(t, native, live, "")
	for _, version := range []string{"2", "4"} {
		t.Run("client "+version, func(t *testing.T) {
			fetch := exec.Command("../../.tools/assets.sh")
			fetch.Env = append(os.Environ(), "CLIENT="+version, "ASSETS="+assets)
			if out, err := fetch.CombinedOutput(); err != nil || !strings.Contains(string(out), "Socket.IO v"+version) {
				t.Fatalf("make assets: %v: %s", err, out)
			}
			viewer := join(t, at, "guest"+version)
			comment := "שלום <i>you</i> 👨‍👩‍👧‍👦 from " + viewer.name
			who, _ := json.Marshal(map[string]any{"live_id": live, "token": viewer.token})
			text, _ := json.Marshal(comment)
			visits := browse(t, fmt.Sprintf(page, "http://"+at.addr, who, text))
			missing := []string{"open", "upgrade", "online", "comment", "another's comment"}
			seen := func(what string) {
				missing = slices.DeleteFunc(missing, func(m string) bool { return m == what })
			}
			late := time.After(timeout)
			for len(missing) > 0 {
				select {
				case v := <-visits:
					switch {
					case v.Event == "error", v.Event == "refused":
						t.Fatalf("the page shows %+v", v)
					case v.Event == "open" && v.Carrier == "polling",
						v.Event == "upgrade" && v.Carrier == "websocket",
						v.Event == "online" && strings.HasPrefix(v.Text, viewer.name):
						seen(v.Event)
					case v.Event == "comment" && v.Text == comment && v.ID == fmt.Sprint(viewer.id):
						seen(v.Event)
						native.must("comment.post", map[string]any{"live": live, "text": "hello, page of " + viewer.name}, "")
					case v.Event == "comment" && v.Text == "hello, page of "+viewer.name:
						seen("another's comment")
					}
				case <-late:
					t.Fatalf("the page did not report %q", missing)
				}
			}
			native.await("the comment of the page", func(f frame) bool { return f.Type == "comment" && into[by](t, f).Text == comment })
		})
	}
}
