package main_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"roomlog/api/token"
)

// relay passes connections on to a server, and can be cut.
type relay struct {
	addr string
	to   string

	mu      sync.Mutex
	cut     bool
	stalled bool
	changed *sync.Cond // stalled or cut has changed
	conns   map[net.Conn]bool
}

// startRelay starts a relay to an address. The end of the test stops it.
func startRelay(t *testing.T, to string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &relay{addr: listener.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	n.changed = sync.NewCond(&n.mu)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { n.pass(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		n.setCut(true)
		running.Wait()
	})
	return n
}

func (n *relay) pass(conn net.Conn) {
	defer conn.Close()
	if !n.keep(conn) {
		return
	}
	server, err := net.Dial("tcp", n.to)
	if err != nil {
		return
	}
	defer server.Close()
	if !n.keep(server) {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(stallable{server, n}, conn)
		_ = server.Close()
	}()
	_, _ = io.Copy(stallable{conn, n}, server)
	_ = conn.Close()
	<-done
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, conn)
	delete(n.conns, server)
}

// keep remembers a connection, or reports that the relay is cut.
func (n *relay) keep(conn net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.cut {
		n.conns[conn] = true
	}
	return !n.cut
}

// setCut closes all connections and refuses new ones, or permits them again.
func (n *relay) setCut(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = cut
	n.changed.Broadcast()
	for conn := range n.conns {
		_ = conn.Close()
	}
	clear(n.conns)
}

// setStalled keeps all connections, but lets nothing pass, or lets everything pass that has waited.
func (n *relay) setStalled(stalled bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stalled = stalled
	n.changed.Broadcast()
}

// stallable writes to a connection of a relay when the relay is not stalled.
type stallable struct {
	to    net.Conn
	relay *relay
}

func (s stallable) Write(b []byte) (int, error) {
	s.relay.mu.Lock()
	for s.relay.stalled && !s.relay.cut {
		s.relay.changed.Wait()
	}
	s.relay.mu.Unlock()
	return s.to.Write(b)
}

// keys presses keys, as a keyboard does, in the element that has the focus.
func (p *inspector) keys(keys string) {
	p.t.Helper()
	p.drive(chromedp.KeyEvent(keys))
}

// tabsTo presses Tab until an element that matches the selector has the focus.
func (p *inspector) tabsTo(selector string) {
	p.t.Helper()
	p.does(`await shown(` + js(selector) + `)`)
	for range 80 {
		var there bool
		if p.run(`return Boolean(document.activeElement?.matches(`+js(selector)+`));`, &there); there {
			return
		}
		p.keys(kb.Tab)
	}
	p.t.Fatalf("80 presses of Tab do not reach %s", selector)
}

// withScript opens an address in a context of its own. The script runs before those of the page.
func (p *inspector) withScript(address, script string) *inspector {
	p.t.Helper()
	q := p.another("about:blank")
	q.drive(beforeDocuments(script), chromedp.Navigate(address))
	return q
}

// without opens an address in a context of its own, in which the browser lacks some things.
func (p *inspector) without(address string, lacks ...string) *inspector {
	p.t.Helper()
	script := ""
	for _, name := range lacks {
		script += "Object.defineProperty(window, " + js(name) + ", {value: undefined});"
	}
	return p.withScript(address, script)
}

// shortLived returns a token of the same sign-in session that expires in some seconds.
func shortLived(t *testing.T, issued string) string {
	t.Helper()
	const life = time.Minute
	issuer, err := token.NewIssuer([]string{"tokens-of-these-tests"}, life, func() time.Time {
		return time.Now().Add(8*time.Second - life) // time passes: on a slow machine the page loads with an expired token, and shows the same
	})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := issuer.Read(issued)
	if err != nil {
		t.Fatal(err)
	}
	short, err := issuer.Issue(claims)
	if err != nil {
		t.Fatal(err)
	}
	return short
}

// TestPageInTrouble shows a live to viewers whose network, browser, token or text is not what one expects.
func TestPageInTrouble(t *testing.T) {
	t.Parallel()
	const many = 2000
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--test-payments", "--comment-rate", "100000", "--comment-burst", "100000"}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	anna := join(t, at, "anna")
	live := anna.open("An evening with Anna")
	socket := anna.connect("")
	enter(t, socket, live, "")
	comment := func(text string) { socket.must("comment.post", map[string]any{"live": live, "text": text}, "") }
	far := startRelay(t, at.addr)
	site := "http://" + far.addr
	bert := inspect(t, site+"/", 1440)

	t.Run("the keyboard leads from the sign-in to a gift", func(t *testing.T) {
		bert.tabsTo(".top-end > .button")
		bert.keys(kb.Enter)
		bert.tabsTo("dialog .link")
		bert.keys(kb.Enter)
		bert.tabsTo("#username")
		bert.keys("bert")
		bert.tabsTo("#password")
		bert.keys("secret of bert" + kb.Enter)
		bert.does(`await shown(".user-menu")`)
		bert.opens("/watch/1") // lists contain lives with a stream
		bert.does(`await shown('[data-state="joined"]')`)
		bert.tabsTo("#comment")
		bert.keys("from the keyboard" + kb.Enter)
		bert.does(`await has(".said", /from the keyboard/)`)
		bert.tabsTo(".coins")
		bert.keys(" ")
		bert.tabsTo(".choice input:checked")
		bert.keys(kb.ArrowLeft)
		bert.does(`await has("dialog .wide", /Get 100 coins/)`)
		bert.tabsTo("dialog .wide")
		bert.keys(kb.Enter)
		bert.does(`await has("[data-balance]", /^100$/)`)
		bert.tabsTo(".shelf-send .accent")
		bert.keys(kb.Enter)
		bert.does(`await has(".gift-line", /bert sent Rose/); await has("[data-balance]", /^70$/)`)
		for range 2 {
			bert.keys(kb.Enter)
		}
		bert.does(`await has("[data-balance]", /^10$/); await has(".shelf .hint", /You need 20 more coins/); await until(() => $(".shelf-send .accent").disabled)`)
	})
	t.Run("odd texts stay in their line", func(t *testing.T) {
		texts := []string{"</li><script>document.title = 'x'</script>", "\u202eright to left\u202c שלום עולם", strings.Repeat("👩‍👩‍👧‍👦", 20), "a" + strings.Repeat("\u0301", 199), strings.Repeat("W", 200)}
		for _, text := range texts {
			comment(text)
		}
		bert.does(`const lines = await until(() => { const all = [...document.querySelectorAll(".said")].slice(-5); return all.length === 5 && /^W+$/.test(all[4].textContent) && all; });
			for (const said of lines) if (said.children.length || said.closest(".line").offsetHeight > 220) throw new Error(said.outerHTML)`)
		bert.fits("odd texts")
	})
	t.Run("two tabs show the same", func(t *testing.T) {
		second := bert.tab(site + "/watch/1")
		second.does(`await shown('[data-state="joined"]'); await fill("#comment", "from the second tab"); await press(".composer .accent"); await has("[data-balance]", /^10$/)`)
		second.check(site)
		second.close()
		bert.drive(pages.BringToFront())
		bert.does(`await has(".said", /from the second tab/); await shown('[data-state="joined"]')`)
	})
	t.Run("after a cut nothing is missing", func(t *testing.T) {
		bert.does(`await shown('[data-connection="open"]')`)
		far.setCut(true)
		bert.does(`await has(".banner", /Reconnecting/); await has(".chat-state", /Reconnecting|Connecting/)`)
		for i := range 40 {
			comment(fmt.Sprintf("during the cut %d", i))
		}
		bert.does(`await fill("#comment", "written while cut"); await press(".composer .accent"); quiet()`)
		far.setCut(false)
		bert.does(`
			await has(".said", /written while cut/); await showed(".banner", /nothing was missed/);
			const said = () => [...document.querySelectorAll(".said")].map((e) => e.textContent).filter((text) => /cut/.test(text)); // lines below the others are not rendered, and have no innerText
			await until(() => said().length >= 41);
			const texts = said(), during = texts.filter((text) => text !== "written while cut");
			if (texts.length !== 41 || during.length !== 40 || during.some((text, i) => text !== "during the cut " + i)) throw new Error(texts.join("\n"))`)
		bert.forget() // the browser reports every connection that failed
	})
	t.Run("after a long cut the page says that older comments are not shown", func(t *testing.T) {
		bert.does(`await until(() => $(".banner").hidden)`)
		far.setCut(true)
		bert.does(`await has(".banner", /Reconnecting/); quiet()`)
		for i := range 600 { // more than a connection resumes
			comment(fmt.Sprintf("in the long cut %d", i))
		}
		far.setCut(false)
		bert.does(`await has(".said", /in the long cut 599/); const late = await until(() => messages.find(({element, text}) => element.matches(".banner") && /Back online/.test(text)));
			if (!/Only the newest comments are shown/.test(late.text)) throw new Error(late.text)`)
		bert.forget()
	})
	t.Run("a browser that is offline says so at once", func(t *testing.T) {
		offline := func(on bool) { bert.drive(network.OverrideNetworkState(on, 0, -1, -1)) }
		offline(true)
		bert.does(`await has(".banner", /Reconnecting/)`)
		offline(false)
		bert.does(`await shown('[data-connection="open"][data-state="joined"]')`)
		bert.forget()
	})
	t.Run("thousands of comments stay within bounds", func(t *testing.T) {
		post := func(from, to int) { bert.receives(socket, live, from, to) }
		count := func() (nodes, lines, flying int) {
			var got struct{ Nodes, Lines, Flying int }
			bert.run(`return {nodes: document.getElementsByTagName("*").length, lines: document.querySelectorAll(".line").length, flying: document.querySelectorAll(".fly").length};`, &got)
			return got.Nodes, got.Lines, got.Flying
		}
		post(0, many/4)
		before, _, _ := count()
		post(many/4, many)
		nodes, lines, flying := count()
		if lines > 300 || flying > 600 || nodes-flying > before+300 {
			t.Errorf("after %d comments the page has %d elements, %d lines and %d flying comments; after %d it had %d elements", many, nodes, lines, flying, many/4, before)
		}
	})
	t.Run("a browser without WebSocket, or without Media Source, says so", func(t *testing.T) {
		old := bert.without(site+"/watch/1", "WebSocket", "MediaSource", "ManagedMediaSource")
		old.does(`await has("h1", /evening/); await signUp("old"); await has(".banner", /blocks live updates/)`)
		old.fits("without WebSocket")
		old.check(site)
	})
	bert.check(site)
	t.Run("a token that expires while watching asks for a sign-in", func(t *testing.T) {
		var issued string
		bert.run(`return localStorage.getItem("roomlog.token");`, &issued)
		bert.does(`localStorage.setItem("roomlog.token", ` + js(shortLived(t, issued)) + `)`)
		bert.reload()
		bert.does(`await has("dialog", /sign-in has expired/); await has(".banner", /has expired/); if (!$(".watch h1")) throw new Error("the live is gone")`)
		bert.does(`await fill("#username", "bert"); await fill("#password", "secret of bert"); await press("dialog form .button"); await shown(".user-menu"); await shown('[data-state="joined"]'); await until(() => !$(".banner.bad"))`)
	})
}
