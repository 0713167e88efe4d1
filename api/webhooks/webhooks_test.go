package webhooks_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"roomlog/api/replay"
	"roomlog/api/webhooks"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/logtest"
	"roomlog/internal/waittest"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var keys = [][]byte{[]byte("the newest key"), []byte("the former key")}

// message is a request that a receiver has received.
type message struct {
	id    string
	event replay.CloudEvent
	live  string
}

// receiver is a receiver of webhooks. Its answers depend on the message and on the number of times that it was received before.
type receiver struct {
	t      *testing.T
	server *httptest.Server
	answer func(m message, before int) int

	mu       sync.Mutex
	received []message // also those that were not accepted
	accepted []message
	times    map[string]int
	header   http.Header
	body     []byte
}

func receive(t *testing.T, answer func(m message, before int) int) *receiver {
	t.Helper()
	r := &receiver{t: t, answer: answer, times: map[string]int{}}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // the sender has stopped
		}
		m := message{id: req.Header.Get("webhook-id")}
		if err := json.Unmarshal(body, &m.event); err != nil {
			t.Error(err)
		}
		m.live = m.event.Live
		r.mu.Lock()
		r.header, r.body = req.Header.Clone(), body
		r.received = append(r.received, m)
		before := r.times[m.id]
		r.times[m.id]++
		r.mu.Unlock()
		status := http.StatusNoContent
		if r.answer != nil {
			status = r.answer(m, before)
		}
		if status < 300 {
			r.mu.Lock()
			r.accepted = append(r.accepted, m)
			r.mu.Unlock()
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(r.server.Close)
	return r
}

// of returns the accepted positions of a live, each once, in the order in which they were accepted first.
func (r *receiver) of(live domain.LiveID) (positions []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.accepted {
		if m.live == fmt.Sprint(live) && !slices.Contains(positions, m.event.Sequence) {
			positions = append(positions, m.event.Sequence)
		}
	}
	return positions
}

// repetitions checks that every event has one id, and every id one event.
func (r *receiver) repetitions() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	ids, events := map[string]string{}, map[string]string{}
	for _, m := range r.received {
		if id, ok := ids[m.event.ID]; ok && id != m.id {
			r.t.Errorf("event %s was sent as %s and as %s", m.event.ID, id, m.id)
		}
		if event, ok := events[m.id]; ok && event != m.event.ID {
			r.t.Errorf("%s was sent as %s", event, m.event.ID)
		}
		ids[m.event.ID], events[m.id] = m.id, m.event.ID
	}
}

// world is a log with lives, and with webhooks that a deliverer sends.
type world struct {
	*projtest.World
	ann   projtest.User
	lives []domain.LiveID
	log   logtest.Buffer
}

func newWorld(t *testing.T, lives int) *world {
	t.Helper()
	w := &world{World: projtest.New(t)}
	w.Start(w.Store.Listen)
	w.Project()
	w.ann = w.Register("ann")
	for i := range lives {
		w.lives = append(w.lives, w.ann.GoLive(fmt.Sprint("live ", i)))
	}
	return w
}

func (w *world) config(change func(*webhooks.Config)) webhooks.Config {
	c := webhooks.Config{
		Settings: webhooks.Settings{WebhookNetworks: []string{"127.0.0.0/8"}, WebhookFirstRetry: 10 * time.Millisecond, WebhookLastRetry: 20 * time.Millisecond},
		Store:    w.Store, Queries: w.Queries, Keys: keys, Log: slog.New(slog.NewTextHandler(io.MultiWriter(&w.log, logtest.Output(w)), nil)), Poll: 10 * time.Millisecond,
	}
	if change != nil {
		change(&c)
	}
	return c
}

// deliver runs a deliverer until the test ends or stop is called.
func (w *world) deliver(change func(*webhooks.Config)) (stop func()) {
	w.Helper()
	d, err := webhooks.New(w.config(change))
	if err != nil {
		w.Fatal(err)
	}
	return w.Start(d.Run)
}

// add adds a webhook that sends the comments after a position.
func (w *world) add(id domain.WebhookID, r *receiver, after int64) {
	w.Helper()
	w.Do(domain.AddWebhook{Webhook: id, URL: r.server.URL + "/hook", Types: []string{"comment.posted.v1"}, After: after})
}

// comment posts n comments in each live in turn, and returns their positions by live, as Sequence has them.
func (w *world) comment(n int) map[domain.LiveID][]string {
	w.Helper()
	all := map[domain.LiveID][]string{}
	for i := range n {
		for _, live := range w.lives {
			p := w.ann.Send(domain.PostComment{Live: live, Text: fmt.Sprint("comment ", i)}).Events[0].Position
			all[live] = append(all[live], fmt.Sprintf("%019d", p))
		}
	}
	return all
}

// wait waits until the receiver has accepted all events of the lives.
func (w *world) wait(r *receiver, want map[domain.LiveID][]string, lives ...domain.LiveID) {
	w.Helper()
	w.Eventually(func() error {
		for _, live := range lives {
			if got := r.of(live); !slices.Equal(got, want[live]) {
				return fmt.Errorf("live %d: accepted %v, want %v", live, got, want[live])
			}
		}
		return nil
	})
}

func (w *world) progress(id domain.WebhookID) webhooks.Progress {
	w.Helper()
	all, err := webhooks.NewTables(w.Pool).Cursors(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return all[id]
}

// TestOrderOfLives lets the receiver refuse the events of one live. The other lives must go on, and every live keep its order.
func TestOrderOfLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	var mu sync.Mutex
	open := false // whether the receiver accepts events of the first live
	first := fmt.Sprint(w.lives[0])
	r := receive(t, func(m message, before int) int {
		mu.Lock()
		defer mu.Unlock()
		if m.live == first && (!open || before == 0) {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	w.add("shop", r, 0)
	want := w.comment(3)
	w.deliver(nil)
	w.wait(r, want, w.lives[1:]...)
	for live, later := range w.comment(3) {
		want[live] = append(want[live], later...)
	}
	w.wait(r, want, w.lives[1:]...)
	w.Eventually(func() error {
		if p := w.progress("shop"); p.Blocked != 1 || p.Status != http.StatusServiceUnavailable {
			return fmt.Errorf("got %+v, want one blocked live with status 503", p)
		}
		return nil
	})
	mu.Lock()
	open = true
	mu.Unlock()
	w.wait(r, want, w.lives...)
	r.repetitions()
	w.Eventually(func() error {
		if p := w.progress("shop"); p.Blocked != 0 || p.Dead != 0 {
			return fmt.Errorf("got %+v, want no blocked live", p)
		}
		return nil
	})

	// The request has the form of a replay for readers without the role personal, and the signature of Standard Webhooks.
	r.mu.Lock()
	header, body := r.header, r.body
	r.mu.Unlock()
	var event replay.CloudEvent
	if err := json.Unmarshal(body, &event); err != nil || event.Withheld != "text" || event.Type != "comment.posted.v1" || strings.Contains(string(body), "comment 2") {
		t.Errorf("got %s, %v", body, err)
	}
	if got := header.Get("Content-Type"); got != "application/cloudevents+json" {
		t.Errorf("got content type %s", got)
	}
	all, err := w.Queries.Webhooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secrets := webhooks.Secrets(keys, all[0], time.Now())
	if len(secrets) != len(keys) {
		t.Fatalf("%d secrets, want one for each key", len(secrets))
	}
	for _, secret := range secrets {
		verifier, err := standard.NewWebhook(secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(body, header); err != nil {
			t.Error(err)
		}
	}
	if text := w.log.String(); strings.Contains(text, secrets[0].Reveal()) || strings.Contains(text, "/hook") {
		t.Errorf("the log contains a secret or the URL: %s", text)
	}
}

// TestSecrets checks how long a replaced secret signs.
func TestSecrets(t *testing.T) {
	t.Parallel()
	now := time.Now()
	hook := func(secret int64, renewed *time.Time) projections.Webhook {
		return projections.Webhook{ID: "a", Secret: secret, Renewed: renewed}
	}
	one, before, after := keys[:1], now.Add(-25*time.Hour), now.Add(-23*time.Hour)
	first := webhooks.Secrets(one, hook(1, nil), now)
	if got := webhooks.Secrets(one, hook(2, &after), now); len(got) != 2 || got[1].Reveal() != first[0].Reveal() || got[0].Reveal() == first[0].Reveal() {
		t.Errorf("after 23 hours: %d secrets", len(got))
	}
	if got := webhooks.Secrets(one, hook(2, &before), now); len(got) != 1 || got[0].Reveal() == first[0].Reveal() {
		t.Errorf("after 25 hours: %d secrets", len(got))
	}
}

// TestAnotherProcessTakesOver ends the database session of the process that sends, again and again, while the receiver is slow.
func TestAnotherProcessTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	other := &world{World: w.Another()}
	other.Start(other.Store.Listen)
	held, arrived := make(chan struct{}), make(chan struct{}, 100)
	r := receive(t, func(message, int) int {
		select {
		case arrived <- struct{}{}:
		default:
		}
		select {
		case <-held:
		case <-t.Context().Done():
		}
		return http.StatusOK
	})
	w.add("shop", r, 0)
	want := w.comment(5)
	stop := w.deliver(nil)
	waittest.Receive(t, arrived, "a message") // the first process sends, and waits for the answer
	other.deliver(nil)
	if w.log.Count("sending webhooks")+other.log.Count("sending webhooks") != 1 {
		t.Error("two processes send")
	}
	w.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'roomlog webhooks' AND datname = current_database()")
	close(held)
	w.wait(r, want, w.lives...)
	stop()
	for live, later := range w.comment(3) {
		want[live] = append(want[live], later...)
	}
	w.wait(r, want, w.lives...)
	r.repetitions()
	if other.log.Count("sending webhooks") == 0 {
		t.Error("the other process has not sent")
	}
}

// TestDeadLetters lets a receiver be down for longer than WebhookRetryFor.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	tables := webhooks.NewTables(w.Pool)
	var mu sync.Mutex
	down := true
	bad := fmt.Sprint(w.lives[0])
	r := receive(t, func(m message, _ int) int {
		mu.Lock()
		defer mu.Unlock()
		if down && m.live == bad {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	w.add("shop", r, 0)
	want := w.comment(2)
	w.deliver(func(c *webhooks.Config) { c.WebhookRetryFor = time.Second }) // time passes: the receiver is down until both are dead
	w.wait(r, want, w.lives[1])
	var dead []webhooks.Dead
	w.Eventually(func() (err error) {
		if dead, err = tables.Dead(t.Context(), "shop", 0, 10); err == nil && len(dead) != 2 {
			err = fmt.Errorf("got %+v, want 2 dead letters", dead)
		}
		return err
	})
	for i, d := range dead {
		if fmt.Sprintf("%019d", d.Position) != want[w.lives[0]][i] || d.Status != http.StatusInternalServerError || d.Type != "comment.posted.v1" || d.Live != w.lives[0] || d.Error != "Internal Server Error" {
			t.Errorf("got %+v", d)
		}
	}
	mu.Lock()
	down = false
	mu.Unlock()
	later := w.comment(1) // the live goes on without its dead letters
	w.wait(r, later, w.lives[0])
	if n, err := tables.Retry(t.Context(), "shop", 0); n != 2 || err != nil {
		t.Errorf("got %d, %v, want 2", n, err)
	}
	w.Eventually(func() error {
		if p := w.progress("shop"); p.Dead != 0 {
			return fmt.Errorf("%d dead letters are left", p.Dead)
		}
		return nil
	})
	if got := r.of(w.lives[0]); len(got) != 3 {
		t.Errorf("accepted %v, want 3 events", got)
	}
	r.repetitions()
}

// TestTooManyBlockedLives checks that a webhook sends no events of other lives while WebhookLives lives wait, and loses none.
func TestTooManyBlockedLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	var mu sync.Mutex
	down := true
	r := receive(t, func(message, int) int {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	w.add("shop", r, 0)
	want := w.comment(2)
	w.deliver(func(c *webhooks.Config) { c.WebhookLives = 2 })
	w.Eventually(func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		tried := map[string]bool{}
		for _, m := range r.received {
			tried[m.live] = true
		}
		if len(r.received) < 12 { // several attempts of each
			return fmt.Errorf("%d requests were received", len(r.received))
		}
		if len(tried) != 2 || tried[fmt.Sprint(w.lives[2])] {
			t.Errorf("events of the lives %v were sent, want those of the first two of %v", tried, w.lives)
		}
		return nil
	})
	if p := w.progress("shop"); p.Blocked != 2 {
		t.Errorf("got %+v, want 2 blocked lives", p)
	}
	mu.Lock()
	down = false
	mu.Unlock()
	w.wait(r, want, w.lives...)
	r.repetitions()
}

// TestSlowReceiversDelayNoOthers lets one receiver never answer, and one webhook lead to a forbidden address.
func TestSlowReceiversDelayNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	hang := make(chan struct{})
	slow := receive(t, func(message, int) int { <-hang; return http.StatusOK })
	defer close(hang)
	redirect := receive(t, func(message, int) int { return http.StatusFound })
	r := receive(t, nil)
	w.add("slow", slow, 0)
	w.add("redirected", redirect, 0)
	w.Do(domain.AddWebhook{Webhook: "inside", URL: "http://localhost" + r.server.URL[strings.LastIndex(r.server.URL, ":"):], Types: []string{"comment.*"}})
	w.add("fast", r, 0)
	want := w.comment(3)
	w.deliver(func(c *webhooks.Config) { c.WebhookNetworks = []string{"127.0.0.1"}; c.WebhookTimeout = time.Minute })
	w.wait(r, want, w.lives...)
	w.Eventually(func() error {
		if p := w.progress("redirected"); p.Status != http.StatusFound || p.Blocked != 1 {
			return fmt.Errorf("got %+v", p)
		}
		return nil
	})
}

// raw starts a receiver that handles each connection with a function, after it has read the head of the request. The function must
// return when the connection is closed.
func raw(t *testing.T, handle func(c net.Conn)) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					if line == "\r\n" {
						break
					}
				}
				handle(c)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); all.Wait() })
	return &receiver{t: t, server: &httptest.Server{URL: "http://" + listener.Addr().String()}}
}

// TestHostileReceivers sends to receivers that answer with nonsense, slowly or without end. Each is a receiver that has not accepted,
// which holds neither the cursor of its webhook nor other webhooks nor the end of the process.
func TestHostileReceivers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	forever := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, text); err != nil {
					return
				}
			}
		}
	}
	once := func(text string) func(net.Conn) {
		return func(c net.Conn) { _, _ = io.WriteString(c, text) }
	}
	hostile := map[domain.WebhookID]func(net.Conn){
		"zeros":      once("HTTP/1.1 200 OK\r\nX\x00\x01\xff\r\n\r\n"),
		"garbage":    once("\x00\x01\x02\xff\r\n\r\n"),
		"status":     once("HTTP/1.1 \x00\x00\x00 \x00\r\n\r\n"),
		"length":     once("HTTP/1.1 200 OK\r\nContent-Length: \x00\r\n\r\n"),
		"encoding":   once("HTTP/1.1 200 OK\r\nTransfer-Encoding: \x00\r\n\r\n"),
		"continue":   forever("HTTP/1.1 100 Continue\r\n\r\n"),
		"hints":      forever("HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n"),
		"header":     forever("X: x\r\n"),
		"headers":    func(c net.Conn) { once("HTTP/1.1 200 OK\r\n")(c); forever("X: x\r\n")(c) },
		"closes":     func(net.Conn) {},
		"resets":     func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"silent":     func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"redirects":  once("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
		"switches":   once("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
		"impossible": once("HTTP/1.1 999 \x00\r\nContent-Length: 0\r\n\r\n"),
	}
	for id, handle := range hostile {
		w.add(id, raw(t, handle), 0)
	}
	honest := receive(t, nil)
	w.add("honest", honest, 0)
	want := w.comment(2)
	stop := w.deliver(func(c *webhooks.Config) { c.WebhookTimeout = time.Second })
	w.wait(honest, want, w.lives...)
	w.Eventually(func() error {
		head := w.progress("honest").Position
		for id := range hostile {
			if p := w.progress(id); p.Position != head || p.Blocked != int64(len(w.lives)) || p.Status == 0 && p.Error == "" {
				return fmt.Errorf("%s: got %+v, want position %d and %d blocked lives", id, p, head, len(w.lives))
			}
		}
		return nil
	})
	for id := range hostile {
		t.Log(w.progress(id))
	}
	stop()
}

// TestForbiddenReceivers checks that nothing reaches an address inside the network, and that operators see why.
func TestForbiddenReceivers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	r := receive(t, nil)
	w.add("inside", r, 0)
	w.comment(1)
	w.deliver(func(c *webhooks.Config) { c.WebhookNetworks = nil })
	w.Eventually(func() error {
		if p := w.progress("inside"); !strings.Contains(p.Error, "not permitted") || p.Status != 0 {
			return fmt.Errorf("got %+v", p)
		}
		return nil
	})
	if r.mu.Lock(); len(r.received) != 0 {
		t.Errorf("received %d requests", len(r.received))
	}
	r.mu.Unlock()
}

// TestReplays replays a webhook, changes its types, and lets the log fall back.
func TestReplays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	live := w.lives[0]
	r := receive(t, nil)
	w.comment(1)
	w.add("shop", r, w.Head())
	stop := w.deliver(nil)
	want := w.comment(2)
	w.wait(r, want, live) // and not the comment before
	count := func() (n int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.accepted)
	}
	w.Do(domain.ReplayWebhook{Webhook: "shop", After: 0})
	w.Eventually(func() error {
		if n := count(); n != 5 {
			return fmt.Errorf("accepted %d, want 5: 2, and all 3 again", n)
		}
		return nil
	})
	r.repetitions()

	w.Eventually(func() error {
		if p := w.progress("shop"); p.Position == 0 {
			return fmt.Errorf("got %+v, want the position of the newest comment", p)
		}
		return nil
	})
	stop()
	w.Exec("UPDATE webhook_cursor SET cursor = position || '.00000000'") // as if another event was at the position
	stop = w.deliver(nil)
	w.Eventually(func() error {
		if p := w.progress("shop"); !strings.Contains(p.Halted, "fallen back") {
			return fmt.Errorf("got %+v, want it halted", p)
		}
		return nil
	})
	if n := w.log.Count("webhook halted"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	w.comment(1)
	w.Do(domain.ReplayWebhook{Webhook: "shop", After: w.Head() - 1})
	w.Eventually(func() error {
		if n := count(); n != 6 {
			return fmt.Errorf("accepted %d, want 6", n)
		}
		return nil
	})
	w.Do(domain.RemoveWebhook{Webhook: "shop"})
	w.CatchUp()
	stop()
}

// TestTheExampleReceives runs the receiver of docs/WEBHOOKS.md.
func TestTheExampleReceives(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("SKIPPED, the example of a receiver is not tested: node is not installed")
	}
	page, err := os.ReadFile("../../docs/WEBHOOKS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```js\n")
	code, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("docs/WEBHOOKS.md has no receiver")
	}
	file := filepath.Join(t.TempDir(), "receiver.mjs")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, 1)
	secrets := webhooks.Secrets(keys, projections.Webhook{ID: "shop", Secret: 1}, time.Now())
	example := exec.CommandContext(t.Context(), node, file)
	example.Env = append(os.Environ(), "PORT=0", "WEBHOOK_SECRET="+secrets[1].Reveal())
	stdout, err := example.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := example.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := example.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = example.Process.Kill(); _ = example.Wait() }()
	var port int
	if _, err := fmt.Fscanf(stderr, "listening on %d", &port); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("http://127.0.0.1:%d/", port)
	forged, err := http.Post(address, "application/json", strings.NewReader("{}")) //nolint:noctx // the test ends with the receiver
	if err != nil {
		t.Fatal(err)
	}
	_ = forged.Body.Close()
	if forged.StatusCode != http.StatusUnauthorized {
		t.Errorf("a request without a signature gets status %d", forged.StatusCode)
	}
	w.Do(domain.AddWebhook{Webhook: "shop", URL: address, Types: []string{"comment.posted.v1"}})
	want := w.comment(3)[w.lives[0]]
	stop := w.deliver(nil)
	lines := bufio.NewScanner(stdout)
	next := func() string {
		if !lines.Scan() {
			t.Fatal(lines.Err())
		}
		return lines.Text()
	}
	for _, position := range want {
		if got := next(); !strings.HasPrefix(got, position+" comment.posted.v1 {") {
			t.Errorf("got %q, want position %s", got, position)
		}
	}
	w.Do(domain.ReplayWebhook{Webhook: "shop"})
	newest := w.comment(1)[w.lives[0]][0]
	if got := next(); !strings.HasPrefix(got, newest) { // and no repetition before it
		t.Errorf("got %q, want position %s", got, newest)
	}
	stop()
}

// TestEventsOfNoLive blocks the events of no live while those of a live are accepted. No accepted event may be sent again.
func TestEventsOfNoLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	var mu sync.Mutex
	open := false
	r := receive(t, func(m message, _ int) int {
		mu.Lock()
		defer mu.Unlock()
		if m.live == "" && !open {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	w.Do(domain.AddWebhook{Webhook: "shop", URL: r.server.URL, Types: []string{"comment.posted.v1", "user.registered.v1"}})
	want := w.comment(3)
	w.Register("bob")
	w.deliver(nil)
	w.wait(r, want, w.lives...)
	mu.Lock()
	open = true
	mu.Unlock()
	w.Eventually(func() error {
		if p := w.progress("shop"); p.Position == 0 || p.Blocked != 0 { // 0: the first page is not stored yet
			return fmt.Errorf("got %+v, want no blocked live", p)
		}
		return nil
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	var got []string
	for _, m := range r.accepted {
		got = append(got, m.event.Type)
	}
	if slices.Sort(got); !slices.Equal(got, []string{"comment.posted.v1", "comment.posted.v1", "comment.posted.v1", "user.registered.v1", "user.registered.v1"}) {
		t.Errorf("accepted %v", got)
	}
}

// TestRetryAfter checks that a receiver determines the pause before the next attempt, up to WebhookLastRetry. The clock of the log
// stands still unless the test sets it.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	var clock atomic.Int64 // in seconds
	clock.Store(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).Unix())
	now := func() time.Time { return time.Unix(clock.Load(), 0).UTC() }
	w := &world{World: projtest.Open(t, pgtest.New(t), eventstore.Config{Clock: now}, "first")}
	w.Start(w.Store.Listen)
	w.Project()
	w.ann = w.Register("ann")
	w.lives = []domain.LiveID{w.ann.GoLive("a live")}
	var mu sync.Mutex
	var attempts []time.Time
	answers := []string{"60", "86400", "soon", ""} // the last one is accepted
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		answer := answers[min(len(attempts), len(answers)-1)]
		attempts = append(attempts, now())
		if answer == "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Retry-After", answer)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	w.Do(domain.AddWebhook{Webhook: "shop", URL: server.URL, Types: []string{"comment.posted.v1"}})
	w.comment(1)
	w.deliver(func(c *webhooks.Config) { c.WebhookLastRetry = 100 * time.Second })
	attempted := func(n int) time.Time {
		w.Helper()
		w.Eventually(func() error {
			mu.Lock()
			defer mu.Unlock()
			if len(attempts) != n {
				return fmt.Errorf("%d attempts, want %d", len(attempts), n)
			}
			return nil
		})
		mu.Lock()
		defer mu.Unlock()
		return attempts[n-1]
	}
	for i, pause := range []time.Duration{60 * time.Second, 100 * time.Second, 0} {
		at := attempted(i + 1)
		var retryAt time.Time
		w.Eventually(func() error {
			var n int
			err := w.Pool.QueryRow(t.Context(), "SELECT retry_at, attempts FROM webhook_blocked").Scan(&retryAt, &n)
			if err == nil && n != i+1 {
				err = fmt.Errorf("%d attempts are stored, want %d", n, i+1)
			}
			return err
		})
		if pause == 0 { // a text that is no number of seconds: the usual pause, which is shorter than a second
			if got := retryAt.Sub(at); got >= time.Second {
				t.Errorf("attempt %d: the next one follows after %v, want the usual pause", i+1, got)
			}
			clock.Add(1) // only now, because the pause begins when the sender has read the response
			continue
		}
		if got := retryAt.Sub(at); got != pause {
			t.Errorf("attempt %d: the next one follows after %v, want %v", i+1, got, pause)
		}
		clock.Add(int64(pause/time.Second) - 1)
		w.Exec("UPDATE webhook_cursor SET position = position") // the sender looks at its tables meanwhile
		attempted(i + 1)
		clock.Add(1)
	}
	attempted(4)
	for i, pause := range []time.Duration{60 * time.Second, 100 * time.Second} {
		if got := attempts[i+1].Sub(attempts[i]); got < pause {
			t.Errorf("attempt %d followed after %v, want %v", i+2, got, pause)
		}
	}
}

// TestOldDeadLettersAreDeleted checks that a webhook keeps at most 10,000 dead letters, the newest ones.
func TestOldDeadLettersAreDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	r := receive(t, func(message, int) int { return http.StatusInternalServerError })
	w.add("shop", r, 0)
	w.deliver(func(c *webhooks.Config) { c.WebhookRetryFor = time.Second }) // time passes: the receiver refuses until both events are dead
	w.Eventually(func() error {
		if w.progress("shop").Webhook == "" {
			return errors.New("the webhook has no cursor")
		}
		return nil
	})
	w.Exec("INSERT INTO webhook_dead (webhook, position, cursor, live_id, type, status, error, died_at)" +
		" SELECT 'shop', n, n || '.00000000', 1, 'comment.posted.v1', 500, 'x', now() FROM generate_series(1000001, 1009999) n")
	want := w.comment(2)[w.lives[0]]
	w.Eventually(func() error {
		var n, oldest int64
		err := w.Pool.QueryRow(t.Context(), "SELECT count(*), min(position) FROM webhook_dead").Scan(&n, &oldest)
		if err == nil && (n != 10_000 || fmt.Sprintf("%019d", oldest) != want[1]) {
			err = fmt.Errorf("%d dead letters, the oldest is %d, want 10,000 from %s", n, oldest, want[1])
		}
		return err
	})
}

// TestMetrics compares the metrics of a process that sends with what its receivers have answered.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	good := receive(t, nil)
	bad := receive(t, func(m message, _ int) int {
		if m.live == fmt.Sprint(w.lives[0]) {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	w.add("good", good, 0)
	w.add("bad", bad, 0)
	want := w.comment(2)
	d, err := webhooks.New(w.config(nil))
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	d.Register(registry)
	read := func() map[string]float64 {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				name := strings.TrimPrefix(f.GetName(), "roomlog_webhook_")
				for _, l := range m.GetLabel() {
					name += " " + l.GetValue()
				}
				all[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
		return all
	}
	stop := w.Start(d.Run)
	w.wait(good, want, w.lives...)
	w.Eventually(func() error {
		got := read()
		for name, value := range map[string]float64{"roomlog_webhooks_sending": 1, "attempts_total accepted good": 4, "attempts_total accepted bad": 2,
			"blocked_lives bad": 1, "blocked_lives good": 0, "dead_letters bad": 0, "halted good": 0, "halted bad": 0} {
			if number, found := got[name]; !found || number != value {
				return fmt.Errorf("%s is %v (%v), want %v", name, number, found, value)
			}
		}
		if got["attempts_total refused bad"] < 2 || got["position good"] < 1 {
			return fmt.Errorf("got %v", got)
		}
		return nil
	})
	w.Do(domain.RemoveWebhook{Webhook: "bad"})
	w.Eventually(func() error {
		if _, found := read()["blocked_lives bad"]; found {
			return errors.New("a removed webhook has metrics")
		}
		return nil
	})
	stop()
	got := read()
	if _, found := got["blocked_lives good"]; found || got["roomlog_webhooks_sending"] != 0 {
		t.Errorf("after the end: %v", got)
	}
}
