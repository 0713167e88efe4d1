package main_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// recordMessages is a script that records the texts of messages in the order in which the page shows them. The page removes a message after
// some seconds: a test that looks later must find it, too.
const recordMessages = `(() => {
	const texts = new WeakMap(), messages = window.messages = [];
	new MutationObserver(() => {
		for (const element of document.querySelectorAll(".notice, .banner")) {
			const text = element.textContent;
			if (texts.get(element) !== text) messages.push({element, text});
			texts.set(element, text);
		}
	}).observe(document, {childList: true, subtree: true, characterData: true});
})()`

// onPage are functions that tests call in the page.
const onPage = `
	const $ = (selector) => document.querySelector(selector);
	const shown = (selector) => until(() => { const e = $(selector); return e && e.getClientRects().length && e; });
	const fill = async (selector, value) => { const e = await shown(selector); e.value = value; e.dispatchEvent(new Event("input", {bubbles: true})); };
	const press = async (selector) => (await shown(selector)).click();
	const pressText = async (text) => (await until(() => all("button, a", text).find((e) => !e.disabled && e.getClientRects().length))).click();
	const has = (selector, text) => until(() => all(selector, text)[0]);
	// showed waits until the page has shown a message that no earlier call has found, even if it has disappeared.
	const showed = async (selector, text) => {
		const at = () => messages.findIndex((message) => message.element.matches(selector) && text.test(message.text));
		await until(() => at() >= 0);
		messages.splice(0, at() + 1);
	};
	// quiet forgets all messages, so that showed finds only a message of what the page does next.
	const quiet = () => messages.splice(0);
	const signUp = async (name) => {
		await pressText(/^Sign in$/); await pressText(/New here/);
		await fill("#username", name); await fill("#password", "secret of " + name);
		await press("dialog form .button"); await shown(".user-menu");
	};
`

// does runs the body of an asynchronous function in the page, like run.
func (p *inspector) does(body string) {
	p.t.Helper()
	var done bool
	p.run(onPage+body+`; return true;`, &done)
}

// forget forgets what has gone wrong so far: while the server is down, browsers report every request.
func (p *inspector) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// forgive forgets the faults that contain a text.
func (p *inspector) forgive(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(fault string) bool { return strings.Contains(fault, text) })
}

// plays waits until the video plays, and requires pictures that change and are not black.
func (p *inspector) plays() {
	p.t.Helper()
	p.does(`
		const video = await shown("video");
		const canvas = Object.assign(document.createElement("canvas"), {width: 32, height: 18});
		const sample = () => { const c = canvas.getContext("2d", {willReadFrequently: true}); c.drawImage(video, 0, 0, 32, 18); return c.getImageData(0, 0, 32, 18).data; };
		await until(() => video.currentTime > 0 && video.videoWidth > 0);
		const from = video.currentTime, before = sample();
		await until(() => { const now = sample(); return video.currentTime > from + 0.5 && now.some((v, i) => i % 4 < 3 && v > 60) && now.some((v, i) => Math.abs(v - before[i]) > 8); })`)
}

// overHLS is a script for a page whose player cannot receive FLV, so that it plays HLS.
const overHLS = `
	const {fetch, WebSocket} = window, flv = (address) => String(address).includes(".flv");
	window.fetch = (address, ...more) => flv(address?.url ?? address) ? Promise.reject(new TypeError("no FLV")) : fetch(address, ...more);
	window.WebSocket = class extends WebSocket { constructor(address, ...more) { if (flv(address)) throw new TypeError("no FLV"); super(address, ...more); } };`

// TestPageThroughALive lets a streamer and two viewers live through a show on the page, in three contexts of a real browser.
func TestPageThroughALive(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--auto-live", "--test-payments"}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	site := "http://" + at.addr

	anna := inspect(t, site+"/studio", 1440)
	anna.does(`await signUp("anna"); await fill("#title", "An <i>evening</i> with Anna"); await pressText(/^Create live$/); await until(() => location.pathname === "/studio/1"); await press("#record"); await press('[data-tab="encoder"]')`)
	var encoder string
	anna.run(onPage+`const server = await until(() => document.getElementById("copy-Server")?.value); const key = await until(() => document.getElementById("copy-Stream-key")?.value); return server + "/" + key;`, &encoder)
	if !regexp.MustCompile(`^rtmp://127\.0\.0\.1:\d+/live/\w{20}\?sign=\d+-\w+$`).MatchString(encoder) {
		t.Fatalf("the studio shows the address %q", encoder)
	}
	bert := anna.another(site + "/watch/1") // before there is a stream
	bert.does(`await signUp("bert"); await has(".curtain", /has not started yet/); if ($("video").currentTime > 0) throw new Error("there is no stream")`)
	encode := func(address string) *running { return publish(t, film(t, 20), address, "-stream_loop", "-1") } // until the end of the test
	encoding := encode(encoder)
	carla := anna.another(site + "/watch/1")
	bert.does(`await shown('[data-state="joined"]'); await until(() => !$(".curtain"))`)
	carla.does(`await signUp("carla"); await shown('[data-state="joined"]')`)
	for _, viewer := range []*inspector{bert, carla} {
		viewer.plays()
		viewer.does(`const title = await has(".facts h1", /evening/); if (title.textContent !== "An <i>evening</i> with Anna" || title.children.length) throw new Error(title.outerHTML)`)
	}
	anna.does(`await press('[data-tab="stream"]'); await has(".tiles dd", /kbit/); await has(".chart figcaption", /^Frame rate\s*(24|25|26)(\.\d)? \/s$/); await has(".chart figcaption", /^Gaps of players\s*\d+\s*$/); await has(".tag", /On air/)`)

	t.Run("lists have snapshots for those who may play", func(t *testing.T) {
		anna.does(`
			const found = await (await fetch("/api/live/find")).json(), {snapshot} = found.data.items[0];
			const picture = await fetch(snapshot), refused = await fetch(snapshot.replace(/sign=.*/, "sign=1-" + "0".repeat(32)));
			if (picture.headers.get("Content-Type") !== "image/jpeg" || refused.status !== 403) throw new Error(picture.status + " " + refused.status)`)
		anna.forgive("403")
	})
	t.Run("comments and gifts reach the others", func(t *testing.T) {
		bert.does(`await fill("#comment", "<img src=x onerror=alert(1)> שלום 👨‍👩‍👧‍👦"); await press(".composer .accent")`)
		for _, p := range []*inspector{bert, carla, anna} {
			p.does(`const said = await has(".said", /onerror/); if (said.children.length || $(".said img")) throw new Error(said.outerHTML)`)
		}
		bert.does(`
			await pressText(/^Top up$/); await press(".choice:has([value='50'])"); await pressText(/^Get 500 coins$/);
			await has("[data-balance]", /^500$/); await pressText(/^Send for 30 coins$/); await has("[data-balance]", /^470$/)`)
		for _, p := range []*inspector{carla, anna} {
			p.does(`await has(".gift-line", /bert sent Rose ×1/)`)
		}
		carla.does(`await has("[data-coins]", /30 coins/); await has(".tabs button", /Viewers 3/)`)
		anna.does(`await press('[data-tab="gifts"]'); await has("td", /Rose ×1/)`)
		bert.does(`history.pushState(null, "", "/me"); dispatchEvent(new PopStateEvent("popstate")); await has("td", /Gift in live 1/); await has("td.plus", /\+500/); history.back(); await shown('[data-state="joined"]')`)
	})
	t.Run("comments fly over the picture", func(t *testing.T) { fliesComments(bert, carla) })
	t.Run("a removed comment leaves every screen", func(t *testing.T) {
		bert.does(`await fill("#comment", "the end of the film"); await press(".composer .accent")`)
		carla.does(`await has(".said", /the end/)`)
		anna.does(`const said = await has(".said", /the end/); said.closest(".line").querySelector(".name").click(); await press("[data-remove]")`)
		for _, p := range []*inspector{bert, carla, anna} {
			p.does(`await until(() => ![...document.querySelectorAll(".said, .fly")].some((shown) => shown.textContent.includes("the end")))`)
		}
	})
	t.Run("links have a preview", func(t *testing.T) {
		page := string(at.fetch("/watch/1"))
		for _, want := range []string{`property="og:title" content="An &lt;i&gt;evening&lt;/i&gt; with Anna"`, `property="og:url" content="` + site + `/watch/1"`} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
	})
	for _, p := range []*inspector{anna, bert, carla} {
		p.check(site)
	}
	t.Run("a restart and a reload resume", func(t *testing.T) {
		at.kill()
		bert.does(`await has(".banner", /Reconnecting/)`)
		at.again()
		encoding.kill()
		rtmp, _ := at.mediaAddresses()
		encode("rtmp://" + rtmp + "/live/" + encoder[strings.LastIndex(encoder, "/")+1:])
		for _, p := range []*inspector{anna, bert, carla} {
			p.does(`await shown('[data-state="joined"][data-connection="open"], .studio .composer input:not(:disabled)')`)
		}
		carla.does(`await fill("#comment", "after the restart"); await press(".composer .accent")`)
		bert.does(`await has(".said", /after the restart/)`)
		carla.plays()
		bert.reload()
		bert.does(`await shown('[data-state="joined"]'); await has(".said", /after the restart/); await has("[data-balance]", /^470$/)`)
		bert.plays()
	})
	for _, p := range []*inspector{anna, bert, carla} {
		p.forget()
	}
	t.Run("a player that was replaced leaves the video to the next one", func(t *testing.T) {
		home := anna.another(site + "/") // has not loaded the libraries that play streams
		home.does(`
			const {snapshot} = (await (await fetch("/api/live/find")).json()).data.items[0], [, key, sign] = /\/(\w+)\/snapshot\.jpg\?sign=(.*)/.exec(snapshot);
			const load = (file) => import(new URL(file, $("script[type=module]").src));
			const {Player} = await load("player.js");
			await load("vendor/mpegts.js");
			const video = document.body.appendChild(Object.assign(document.createElement("video"), {muted: true}));
			const {get, set} = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
			let player, taken = "";
			Object.defineProperty(video, "src", {get, set(source) { if (/vendor\/hls\.js/.test(new Error().stack) && player.way.value !== "hls") taken = player.way.value; set.call(video, source); }});
			new Player(video, {key, sign, media: {video: "av1"}}).destroy(); // its library arrives when the next player plays
			player = new Player(video, {key, sign, media: null});
			await load("vendor/hls.js");
			await until(() => video.currentTime > 1);
			if (taken) throw new Error("hls.js has taken over the video of a player that plays over " + taken);
			player.destroy();`)
		home.check(site)
	})
	dora := anna.withScript(site+"/watch/1", overHLS)
	dora.plays()
	dora.does(`await has(".way", /HLS/)`)
	t.Run("a page on plain HTTP copies a link, or shows it", func(t *testing.T) {
		copier := anna.withScript(site+"/watch/1", `Object.defineProperty(Navigator.prototype, "clipboard", {value: undefined}); document.addEventListener("copy", (event) => window.copied = event.target.value);`)
		share := func() {
			copier.tabsTo(".share")
			copier.keys(kb.Enter)
		}
		share()
		copier.does(`await showed(".notice", /link is copied/); if (copied !== location.origin + "/watch/1") throw new Error("copied: " + copied); document.execCommand = () => false`)
		share()
		copier.does(`const link = await shown("dialog input"); if (link.value !== location.origin + "/watch/1") throw new Error(link.value)
			await pressText(/^Copy$/); await until(() => document.activeElement === link && link.selectionEnd === link.value.length);
			if (all("dialog button", /Copied/)[0]) throw new Error("nothing was copied"); delete document.execCommand; copied = ""`)
		copier.tabsTo("dialog .joined .button")
		copier.keys(kb.Enter)
		copier.does(`await has("dialog button", /^Copied$/); if (copied !== $("dialog input").value) throw new Error("copied: " + copied)`)
		copier.check(site)
		copier.close()
	})
	t.Run("a banned viewer is out", func(t *testing.T) {
		anna.does(`(await until(() => all(".name", /^carla$/)[0])).click(); await pressText(/^for an hour$/)`)
		carla.does(`await has("[role=alert]", /cannot be in this live/); await until(() => !$("#comment"))`)
	})
	t.Run("a live that has ended says so", func(t *testing.T) {
		anna.does(`await pressText(/^End live$/); (await until(() => all("dialog button", /^End live$/)[0])).click(); await has(".tag", /Ended/)`)
		for _, p := range []*inspector{bert, dora} {
			p.does(`await has(".curtain", /This live has ended/)`)
		}
	})
	t.Run("a recorded live becomes a past show with its comments", func(t *testing.T) {
		bert.does(`await pressText(/^Watch the replay$/); await until(() => location.pathname === "/replay/1")`)
		anna.opens("/past")
		anna.does(`(await has(".card", /evening/)).click(); const video = await shown("video"); video.muted = true; await until(() => video.readyState > 0); await video.play()`)
		anna.plays()
		anna.does(`const video = $("video"); video.currentTime = video.duration - 1; await has(".said", /onerror/)`)
	})
	t.Run("a live that was not recorded offers no replay", func(t *testing.T) {
		anna.opens("/studio")
		anna.does(`await fill("#title", "Never on air"); await pressText(/^Create live$/); await until(() => location.pathname === "/studio/2"); await pressText(/^Cancel live$/);
			(await until(() => all("dialog button", /^Cancel live$/)[0])).click(); await has(".curtain", /has ended/);
			await until(() => performance.getEntriesByType("resource").some((request) => request.name.endsWith("/api/live/2/recordings") && request.responseEnd > 0));
			await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); if ($(".curtain a")) throw new Error("there is a link to a replay")`)
	})
	for _, p := range []*inspector{anna, bert} {
		p.forgive("ERR_INCOMPLETE_CHUNKED_ENCODING") // the server has cut the stream
	}
	for _, p := range []*inspector{anna, bert, dora} { // carla's player was refused
		p.check(site)
	}
}

// readmeImage is the picture at the beginning of README.md. The test writes it if ROOMLOG_PICTURE is set.
const readmeImage = "../../docs/page.webp"

// TestDemo runs the demo, looks at its page at both sizes, in both languages and colour schemes, and ends it.
func TestDemo(t *testing.T) {
	t.Parallel()
	demo := startDemo(t)
	site := demo.site
	wide := inspect(t, site+"/", 1440)
	wide.does(`await until(() => all(".card", /watching/).length >= 3); await until(() => [...document.querySelectorAll(".card img")].every((i) => i.complete && i.naturalWidth > 0))`)
	wide.does(`(await has(".card", /Sunset by the sea/)).click(); await shown(".watch")`)
	wide.plays()
	wide.does(`
		if ($("[data-online]")) throw new Error("a client that is not signed in does not know who watches");
		await pressText(/^Sign in$/); await fill("#username", "demo"); await fill("#password", "roomlog-demo"); await press("dialog form .button");
		await shown('[data-state="joined"]'); await shown("[data-online]"); await until(() => document.querySelectorAll(".line .said").length >= 2); await press(".shelf-gift:nth-of-type(3)"); await pressText(/^Send for 30 coins$/); await has(".combo", /Rose/)`)
	if _, wanted := os.LookupEnv("ROOMLOG_PICTURE"); wanted {
		wide.resize(1280)
		wide.does(`await until(() => document.querySelectorAll(".line .said").length >= 9); await has(".combo", /./); await until(() => $(".combo").getAnimations().length === 0)`)
		wide.screenshot(readmeImage)
	}
	t.Run("both sizes, languages and schemes", func(t *testing.T) {
		parts := map[string]string{ // address → what its view shows when it has loaded
			"/": ".card", "/past": ".page-head h1, .empty", "/watch/1": ".facts h1", "/studio": "#title", "/me": "#nickname", "/desk": ".chart canvas", "/desk/timeline": "#timeline-live", "/desk/webhooks": "[data-none]",
		}
		for _, part := range []string{"streams", "users", "gifts", "coins", "connections"} {
			parts["/desk/"+part] = fmt.Sprintf(`.page:has([data-tab=%s][aria-selected=true]) td`, part)
		}
		var token string // a second sign-in would end the session of the first window
		wide.run(`return localStorage.getItem("roomlog.token");`, &token)
		phone := wide.another(site + "/")
		phone.does(`localStorage.setItem("roomlog.token", ` + js(token) + `)`)
		phone.reload()
		for _, p := range []*inspector{wide, phone} {
			p.does(`await shown('.menu a[href="/desk"]')`) // the roles are known
			p.resize(map[bool]int64{true: 390, false: 1440}[p == phone])
			p.still()
			for _, address := range slices.Sorted(maps.Keys(parts)) {
				p.does(`history.pushState(null, "", ` + js(address) + `); dispatchEvent(new PopStateEvent("popstate")); await until(() => location.pathname === ` + js(address) + `); await shown(` + js(parts[address]) + `)`)
				for i := range 4 {
					p.does(`const was = $(".language").textContent; await press(".language"); await until(() => $(".language").textContent !== was);
						if (document.documentElement.lang.startsWith("en")) await press(".top-end .round"); // each language in both schemes
						await until(() => document.getAnimations().every((a) => a.playState !== "running" || a.effect.getTiming().iterations === Infinity || a.effect.target?.closest(".player")))`)
					p.fits(address)
					if i < 2 { // both schemes and languages
						p.accessible(address)
					}
				}
			}
		}
		phone.check(site)
	})
	t.Run("the keyboard is enough", func(t *testing.T) {
		wide.does(`history.pushState(null, "", "/watch/1"); dispatchEvent(new PopStateEvent("popstate")); await shown("#comment"); $("#comment").focus();
			const stops = [...document.querySelectorAll("main button, main input, main a[href]")].filter((e) => e.getClientRects().length && !e.disabled);
			if (stops.some((e) => e.tabIndex < 0 && e.getAttribute("role") !== "tab")) throw new Error("a control cannot be reached")`)
		wide.types("#comment", "from the keyboard\r")
		wide.does(`await has(".said", /from the keyboard/)`)
	})
	t.Run("a past show plays with its comments", func(t *testing.T) {
		wide.does(`
			history.pushState(null, "", "/past"); dispatchEvent(new PopStateEvent("popstate"));
			await has(".card", /Yesterday/);
			all(".card", /Yesterday/)[0].click(); const video = await shown("video"); video.muted = true; await until(() => video.readyState > 0); await video.play();
			video.currentTime = video.duration - 3; await until(() => video.currentTime > 5 && document.querySelectorAll(".said").length > 0);
			const late = document.querySelectorAll(".line").length; video.currentTime = 0.5; await until(() => document.querySelectorAll(".line .said").length < late)`)
	})
	t.Run("everybody reads the chat of a past show when it was written", func(t *testing.T) {
		reader := wide.another(site + "/past")
		reader.does(`
			(await has(".card", /Yesterday/)).click(); const video = await shown("video"), id = location.pathname.split("/").pop();
			await until(() => video.readyState > 0); video.muted = true; video.pause();
			const read = async (path) => (await (await fetch("/api/live/" + id + path)).json()).data;
			const parts = (await read("/recordings"))[0].parts, at = (item) => Date.parse(item.at) - Date.parse(parts[0].started_at);
			const comments = (await read("/replay/comments?after=0&limit=500")).items, gifts = (await read("/replay/gifts?after=0&limit=500")).items;
			const within = (items) => items.filter((item) => at(item) > 2000 && at(item) < parts[0].duration_ms - 2000);
			const facts = [...comments, ...gifts], before = (ms) => Math.min(200, facts.filter((item) => at(item) <= ms).length), lines = () => Number($(".watch").dataset.lines);
			const seek = async (ms) => { video.currentTime = ms / 1000; await until(() => !video.seeking && Math.abs(video.currentTime - ms / 1000) < 0.1 && lines() === before(ms)); };
			for (const item of [within(comments).at(-1), within(gifts).at(-1)]) {
				await seek(at(item) - 1000);
				const early = lines();
				await seek(at(item) + 1000);
				if (lines() <= early) throw new Error("nothing has appeared within a second of its time");
			}
			await has(".gift-line", /./); await has(".said", /./)`)
		reader.check(site)
		reader.close()
	})
	t.Run("pages of other origins may not use the server", func(t *testing.T) {
		for origin, allowed := range map[string]bool{site: true, "https://other.example": false} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site+"/api/login", strings.NewReader(`{"username":"demo","password":"roomlog-demo"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Origin", origin)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if got := response.Header.Get("Access-Control-Allow-Origin"); (got == origin) != allowed {
				t.Errorf("the origin %s: Access-Control-Allow-Origin is %q, want allowed %v", origin, got, allowed)
			}
		}
	})
	wide.check(site)
	demo.end()
}

// fits requires that nothing is wider than the window, and that no text is the name of one.
func (p *inspector) fits(address string) {
	p.t.Helper()
	p.capture(address)
	var found struct {
		Over  float64
		Names []string
	}
	p.run(`
		const texts = document.createTreeWalker(document.getElementById("app"), NodeFilter.SHOW_TEXT), names = [];
		while (texts.nextNode()) if (/^[a-z_]+(\.[a-z_]+)+$/.test(texts.currentNode.data.trim())) names.push(texts.currentNode.data);
		if (document.getElementById("app").innerText.includes("[object")) names.push("[object …]");
		return {over: document.documentElement.scrollWidth - innerWidth, names};`, &found)
	if found.Over > 0 {
		p.t.Errorf("%s is %v pixels wider than a window of %d pixels", address, found.Over, p.width)
	}
	if len(found.Names) > 0 {
		p.t.Errorf("%s shows the names of texts that do not exist: %q", address, found.Names)
	}
}

// captures is the folder into which tests write what they look at, "" for none.
var captures = os.Getenv("ROOMLOG_PICTURES")

// capture writes what the window shows into the folder captures. The name of the file contains the view, the width, the
// language and the colour scheme.
func (p *inspector) capture(view string) {
	if captures == "" {
		return
	}
	p.t.Helper()
	var how string
	p.run(`return document.documentElement.lang.slice(0, 2) + "-" + (document.documentElement.dataset.scheme || "system");`, &how)
	p.screenshot(filepath.Join(captures, fmt.Sprintf("%s-%d-%s.webp", strings.Trim(regexp.MustCompile(`[^\w]+`).ReplaceAllString(view, "-"), "-"), p.width, how)))
}

// accessible requires that axe finds no serious fault.
func (p *inspector) accessible(address string) {
	p.t.Helper()
	var faults []string
	p.run(`if (!window.axe) {`+axeScript(p.t)+`} const found = await axe.run({resultTypes: ["violations"]});
		return found.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 150) + " " + (n.any[0]?.message ?? "")).join(" | "));`, &faults)
	for _, fault := range faults {
		p.t.Errorf("%s at %d pixels: %s", address, p.width, fault)
	}
}
