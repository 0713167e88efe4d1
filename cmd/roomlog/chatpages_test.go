package main_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// chatPages is the folder with pages of the chat as they were written for Socket.IO 2.
const chatPages = "testdata/clients/pages"

// serveChatPages serves the pages and their scripts from an origin of their own. It returns the address of a page, which
// connects to the server.
func serveChatPages(t testing.TB, at *process) (address func(page string, query ...string) string) {
	t.Helper()
	modules := officialClients(t)
	scripts := map[string]string{
		"/socket.io.js":    "socket.io-client-2/dist/socket.io.js",
		"/vue.js":          "vue/dist/vue.js",
		"/vue-socketio.js": "vue-socket.io/dist/vue-socketio.js",
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch script := scripts[r.URL.Path]; {
		case script != "":
			http.ServeFile(w, r, filepath.Join(modules, script))
		case strings.HasSuffix(r.URL.Path, ".html"):
			http.ServeFile(w, r, filepath.Join(chatPages, filepath.Base(r.URL.Path)))
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(site.Close)
	return func(page string, query ...string) string {
		values := url.Values{"server": {"http://" + at.addr}}
		for i := 0; i < len(query); i += 2 {
			values.Set(query[i], query[i+1])
		}
		return site.URL + "/" + page + "?" + values.Encode()
	}
}

// awaitMessage waits until the list of messages on a page contains a text.
func (p *inspector) awaitMessage(text string) {
	p.t.Helper()
	p.eventually("the message "+text, `return document.querySelector('#messages') && document.querySelector('#messages').innerText.includes(`+js(text)+`);`)
}

// eventually waits until the body of a function in the page returns true.
func (p *inspector) eventually(what, body string) {
	p.t.Helper()
	var shown string
	defer func() {
		if p.t.Failed() {
			p.t.Logf("waiting for %s, the page shows %s", what, shown)
		}
	}()
	eventually(p.t, what, func() (found bool) {
		p.run(`return [...document.querySelectorAll("title, body")].map((e) => e.innerText).join("\n");`, &shown)
		p.run(body, &found)
		return found
	})
}

// items returns the messages that a page shows, without the times.
func (p *inspector) items() (all []string) {
	p.t.Helper()
	p.run(`return [...document.querySelectorAll('#messages li')].map((e) => {
		const item = e.cloneNode(true);
		item.querySelectorAll('small').forEach((time) => time.remove());
		return item.textContent.trim();
	});`, &all)
	return all
}

// fill writes a text into an input field, as a user does, and clicks a button.
func (p *inspector) fill(input, text, button string) {
	p.t.Helper()
	p.run(`
		const input = document.querySelector(`+js(input)+`);
		input.value = `+js(text)+`;
		input.dispatchEvent(new Event('input', {bubbles: true}));
		document.querySelector(`+js(button)+`).click();
		return true;`, new(bool))
}

// TestPlainChatPages opens two pages of the plain chat in two contexts of a real browser. They write everything that they
// receive to innerHTML; one shows the field user of a message, one the field username.
func TestPlainChatPages(t *testing.T) {
	t.Parallel()
	need(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	need(t, "node", "npm")
	env := withDatabase(t)
	at := serve(t, env, append([]string{"--data", dataDir(t), "--guest-chat", "--presence-grace", "1s"}, unhurried...)...)
	page := serveChatPages(t, at)
	const ready = `return document.title === 'ready';`
	a := inspect(t, page("plain.html", "field", "user"), 640)
	a.eventually("the page is connected", ready)
	b := a.another(page("plain.html", "field", "username"))
	b.eventually("the page is connected", ready)
	say := func(p *inspector, text string) { p.fill("#text", text, "#send") }

	// The first message is the name.
	say(a, "安<娜>")
	b.awaitMessage("系统: 安<娜>加入了聊天室")
	say(b, "安<娜>")
	b.awaitMessage("系统: 昵称已被使用")
	say(b, "Bob")
	a.awaitMessage("系统: Bob加入了聊天室")
	const attack = `<img src=x onerror="document.title='attacked'"> & <b>مرحبا</b> 👩‍👩‍👧‍👦`
	say(a, attack)
	for _, p := range []*inspector{a, b} {
		p.awaitMessage("安<娜>: " + attack)
	}

	// A click on a name begins a private message.
	b.run(`[...document.querySelectorAll('.user')].find((e) => e.innerText === '安<娜>').click(); return true;`, new(bool))
	var begun string
	b.run(`return document.querySelector('#text').value;`, &begun)
	if begun != "@安<娜> " {
		t.Errorf("a click on the name writes %q, want %q", begun, "@安<娜> ")
	}
	say(b, begun+"psst")
	a.awaitMessage("Bob: psst")
	say(b, "@nobody psst")
	b.awaitMessage("系统: 你私聊的用户不在线")

	// Messages of a room are for those who have joined it.
	join := func(p *inspector, what string) {
		p.run(`document.querySelector('#`+what+`-青铜').click(); return true;`, new(bool))
	}
	join(a, "join")
	a.awaitMessage("系统: 你成功进入了青铜房间!")
	a.eventually("the button of leaving", `return document.querySelector('#join-青铜').style.display === 'none';`)
	join(a, "join")
	a.awaitMessage("系统: 你已经在青铜房间了!请不要重复进入!")
	say(a, "alone in bronze")
	a.awaitMessage("安<娜>: alone in bronze")
	join(b, "join")
	b.awaitMessage("系统: 你成功进入了青铜房间!")
	say(b, "both in bronze")
	a.awaitMessage("Bob: both in bronze")
	join(b, "leave")
	b.awaitMessage("系统: 你已经离开了青铜房间!")
	b.eventually("the button of joining", `return document.querySelector('#leave-青铜').style.display === 'none';`)
	join(b, "leave")
	b.awaitMessage("系统: 你并不在青铜房间,离开个毛!")
	join(a, "leave")
	a.awaitMessage("系统: 你已经离开了青铜房间!")
	say(b, "to all again")
	for _, p := range []*inspector{a, b} {
		p.awaitMessage("Bob: to all again")
	}

	wantA := []string{"系统: Bob加入了聊天室", "安<娜>: " + attack, "Bob: psst", "系统: 你成功进入了青铜房间!", "系统: 你已经在青铜房间了!请不要重复进入!",
		"安<娜>: alone in bronze", "Bob: both in bronze", "系统: 你已经离开了青铜房间!", "Bob: to all again"}
	wantB := []string{"系统: 安<娜>加入了聊天室", "系统: 昵称已被使用", "安<娜>: " + attack, "系统: 你私聊的用户不在线", "系统: 你成功进入了青铜房间!",
		"Bob: both in bronze", "系统: 你已经离开了青铜房间!", "系统: 你并不在青铜房间,离开个毛!", "Bob: to all again"}
	for p, want := range map[*inspector][]string{a: wantA, b: wantB} {
		if got := p.items(); !slices.Equal(got, want) {
			t.Errorf("a page shows %q, want %q", got, want)
		}
	}

	// A page that is opened later shows the public messages. Nobody has the name of a page that was closed.
	b.close()
	c := a.another(page("plain.html", "field", "username"))
	c.eventually("the page is connected", ready)
	if got, want := c.items(), []string{"安<娜>: " + attack, "Bob: to all again"}; !slices.Equal(got, want) {
		t.Errorf("a new page shows %q, want %q", got, want)
	}
	eventually(t, "the name is free", func() bool {
		say(c, "Bob")
		return slices.Contains(a.items()[len(wantA):], "系统: Bob加入了聊天室")
	})
	for _, p := range []*inspector{a, b, c} {
		p.sound()
	}
}

// TestChatRoomPages opens two pages of the chat rooms with history in two contexts of a real browser. Users sign in with
// addresses, list and create rooms, enter one, write to each other, and go on when the server restarts.
func TestChatRoomPages(t *testing.T) {
	t.Parallel()
	need(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	need(t, "node", "npm")
	env := withDatabase(t)
	at := serve(t, env, append([]string{"--data", dataDir(t), "--guest-chat", "--presence-grace", "1s"}, unhurried...)...)
	page := serveChatPages(t, at)("rooms.html")
	a := inspect(t, page, 640)
	text := func(selector, text string) string {
		return `const e = document.querySelector(` + js(selector) + `); return Boolean(e) && e.innerText.includes(` + js(text) + `);`
	}
	signIn := func(p *inspector, email string) {
		p.eventually("the page", `return Boolean(document.querySelector('#login'));`)
		p.fill("#login input", email, "#login button")
		name, _, _ := strings.Cut(email, "@")
		p.eventually("the user", text("#me", name+" "+email))
	}
	choose := func(p *inspector, room string) {
		p.run(`(await until(() => all('#rooms a', `+js(room)+`)[0])).click(); return true;`, new(bool))
	}
	enter := func(p *inspector, room string) {
		choose(p, room)
		p.eventually("the messages of the room", `return document.title === 'ready';`)
	}
	say := func(p *inspector, text string) { p.fill("#say input", text, "#say button") }

	signIn(a, "anna@example.org")
	a.eventually("the first room", text("#rooms", "demo"))
	a.fill("#create input", "demo", "#create button")
	a.eventually("a refusal", text("#error", "房间已经存在!"))
	a.fill("#create input", "音乐", "#create button")
	a.eventually("the new room", text("#rooms", "音乐"))
	enter(a, "音乐")
	const first = `<b>first</b> & مرحبا 👩‍👩‍👧‍👦`
	say(a, first)
	a.awaitMessage("anna: " + first)

	b := a.another(page)
	signIn(b, "bob@example.org")
	b.eventually("anna in the room", text("#rooms", "音乐 anna"))
	enter(b, "音乐")
	a.awaitMessage("系统: 用户bob加入聊天室")
	say(b, "hello anna")
	a.awaitMessage("bob: hello anna")
	b.awaitMessage("bob: hello anna")
	if got, want := b.items(), []string{"anna: " + first, "bob: hello anna"}; !slices.Equal(got, want) {
		t.Errorf("the page of bob shows %q, want %q", got, want)
	}
	if got, want := a.items(), []string{"anna: " + first, "系统: 用户bob加入聊天室", "bob: hello anna"}; !slices.Equal(got, want) {
		t.Errorf("the page of anna shows %q, want %q", got, want)
	}

	// The page keeps the token. A second page of the same user does not end the first one.
	second := a.tab(page)
	second.eventually("the user", text("#me", "anna anna@example.org"))
	enter(second, "音乐")
	say(second, "from my other page")
	for _, p := range []*inspector{a, b, second} {
		p.awaitMessage("anna: from my other page")
	}
	second.close()
	say(a, "from my first page")
	b.awaitMessage("anna: from my first page")

	// The pages connect again after a restart, and read what they had shown.
	for _, p := range []*inspector{a, b} {
		p.sound()
	}
	at.stop()
	a.eventually("the page is disconnected", `return document.querySelectorAll('#messages li').length === 0;`)
	at.again()
	for _, p := range []*inspector{a, b} {
		p.awaitMessage("anna: from my first page")
	}
	say(b, "we are back")
	a.awaitMessage("bob: we are back")
	b.close()
	a.awaitMessage("系统: 用户bob离开聊天室")

	// A page with an invalid token receives needLogin.
	nobody := a.another(page)
	nobody.run(`localStorage.setItem('token', 'not a token'); app.validate(); return true;`, new(bool))
	nobody.eventually("the token is refused", text("#error", "用户验证失败"))
	choose(nobody, "音乐")
	nobody.eventually("the page receives needLogin", text("#error", "needLogin"))
	say(nobody, "from nobody")
	say(a, "from anna")
	a.awaitMessage("anna: from anna")
	if got := strings.Join(a.items(), "\n"); strings.Contains(got, "from nobody") {
		t.Errorf("the page of anna shows %q", got)
	}
	nobody.sound()
}
