package main_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tile is a script with the function tile, which waits until the tile with a name shows a value.
const tile = `const tile = (name, value) => until(() => all(".tiles > div", name).find((e) => value.test(e.querySelector("dd").textContent)));
	const rows = (text) => [...document.querySelectorAll("tbody tr")].filter((row) => row.textContent.match(text)).length;`

// takeFiles is a script that keeps the texts of the files that the page lets the browser save.
const takeFiles = `(() => {
	const {createObjectURL} = URL, {click} = HTMLAnchorElement.prototype, kept = new Map(), files = window.files = {};
	URL.createObjectURL = (blob) => { const address = createObjectURL(blob); kept.set(address, blob); return address; };
	HTMLAnchorElement.prototype.click = function () { if (!this.download) return click.call(this); kept.get(this.href).text().then((text) => (files[this.download] = text)); };
})()`

// recordCombos is a script that keeps all gifts that the page has shown over the picture, each as "NAME ×NUMBER".
const recordCombos = `(() => {
	const combos = window.combos = new Set();
	new MutationObserver(() => {
		for (const combo of document.querySelectorAll(".combo")) combos.add(combo.querySelector("strong").textContent + " " + combo.querySelector(".combo-number").textContent);
	}).observe(document, {childList: true, subtree: true, characterData: true});
})()`

// serviceTabs returns the names of the tabs that the view of the service shows.
func (p *inspector) serviceTabs() (tabs []string) {
	p.t.Helper()
	p.run(onPage+`await shown(".page .tabs [data-tab]"); return [...document.querySelectorAll(".page .tabs [data-tab]")].map((tab) => tab.dataset.tab);`, &tabs)
	return tabs
}

// TestPageOfService lets an operator and an auditor work on their view: each sees the tabs of the role, and what is shown follows the log.
// It also shows people with odd names, and the page to a browser with another language and dark colours.
func TestPageOfService(t *testing.T) {
	t.Parallel()
	need(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--test-payments"}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	anna, boss, audit, bert := join(t, at, "anna"), join(t, at, "boss"), join(t, at, "audit"), join(t, at, "bert")
	at.roomlog("user", "grant", fmt.Sprint(boss.id), "--role", "operator")
	at.roomlog("user", "grant", fmt.Sprint(audit.id), "--role", "auditor")
	first, second := anna.open("The first live"), anna.open("The second live")
	bert.call(http.MethodPut, "/api/user/profile", map[string]any{"nickname": "=1+1"}, nil)
	site := "http://" + at.addr

	operator := inspect(t, site+"/desk", 1440)
	operator.knows("boss")
	t.Run("operators and auditors see the tabs of their role", func(t *testing.T) {
		want := []string{"", "streams", "users", "reports", "words", "connections", "webhooks"}
		if got := operator.serviceTabs(); !slices.Equal(got, want) {
			t.Errorf("an operator has the tabs %q, want %q", got, want)
		}
		operator.opens("/desk/gifts")
		operator.does(`await shown('[data-tab=""][aria-selected=true]'); if ($("#gift-live")) throw new Error("an operator searches gifts")`)
	})
	var connection *socket
	t.Run("a figure and its chart follow the server", func(t *testing.T) {
		operator.does(tile + `await tile(/Connections/, /^1$/); window.pixels = () => { const c = all(".chart", /Connections/)[0].querySelector("canvas"); return c.toDataURL(); }; await until(() => all(".chart", /Connections/)[0]?.querySelector("canvas")); window.before = pixels()`)
		connection = bert.connect("")
		operator.does(tile + `await tile(/Connections/, /^2$/); await until(() => /2/.test(all(".chart", /Connections/)[0].querySelector("strong").textContent)); await until(() => pixels() !== before)`)
	})
	t.Run("an operator bans a user and lifts the ban", func(t *testing.T) {
		status := func() int {
			status, _ := bert.do(http.MethodGet, "/api/user/info", nil, nil)
			return status
		}
		act := func(button, state string) {
			t.Helper()
			operator.opens("/desk/users")
			operator.does(`await has("td", /bert/); all("tr", /bert/)[0].querySelector("button").click(); await fill("#reason", "noise"); await press('dialog button[value=` + button + `]'); await until(() => !$("dialog"));
				await until(() => all("tr", /bert/)[0]?.querySelector(".brief").textContent.startsWith(` + js(state) + `))`)
		}
		if got := status(); got != http.StatusOK {
			t.Fatalf("before the ban: status %d", got)
		}
		act("ban", "banned")
		connection.awaitClose()
		if got := status(); got == http.StatusOK {
			t.Error("a banned user still reads")
		}
		act("unban", "active")
		bert.signIn()
		if got := status(); got != http.StatusOK {
			t.Errorf("after the ban was lifted: status %d", got)
		}
	})
	operator.check(site)

	at.roomlog("coins", "credit", "--user", fmt.Sprint(bert.id), "--amount", "100", "--order", "o1")
	connection = bert.connect("")
	for _, live := range []int64{first, second} {
		enter(t, connection, live, "")
		connection.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, fmt.Sprint("gift in ", live))
	}
	connection.must("comment.post", map[string]any{"live": first, "text": "good evening"}, "")
	auditor := operator.withScript(site+"/desk", takeFiles)
	auditor.knows("audit")
	t.Run("an auditor searches gifts and saves them", func(t *testing.T) {
		if got, want := auditor.serviceTabs(), []string{"gifts", "coins", "timeline"}; !slices.Equal(got, want) {
			t.Errorf("an auditor has the tabs %q, want %q", got, want)
		}
		find := func(filter, value string) {
			auditor.does(`await fill("#gift-` + filter + `", ` + js(value) + `); await pressText(/^Find$/)`)
		}
		auditor.does(tile + `await until(() => rows(/=1\+1/) === 2)`)
		find("live", fmt.Sprint(second))
		auditor.does(tile + `await until(() => rows(/Rose/) === 1 && $('tbody a[href="/watch/` + fmt.Sprint(second) + `"]'))`)
		find("sender", fmt.Sprint(anna.id))
		auditor.does(tile + `await until(() => rows(/./) === 0)`)
		find("sender", fmt.Sprint(bert.id))
		auditor.does(tile + `await until(() => rows(/Rose/) === 1)`)
		find("to", "2001-01-01T00:00")
		auditor.does(tile + `await until(() => rows(/./) === 0)`)
		find("to", "")
		find("live", "")
		auditor.does(tile + `await until(() => rows(/Rose/) === 2); await pressText(/^CSV$/)`)
		var file string
		auditor.run(onPage+`return await until(() => files["gifts.csv"]);`, &file)
		lines := strings.Split(strings.TrimPrefix(file, "\ufeff"), "\r\n")
		want := fmt.Sprintf(`,"%d","%d","'=1+1","Rose","1","30"`, second, bert.id)
		if len(lines) != 3 || lines[0] != `"at","live","sender","name","gift","num","coins"` || !strings.HasSuffix(lines[1], want) {
			t.Errorf("the file of the gifts is %q, want the newest to end in %s", lines, want)
		}
	})
	t.Run("a statement is as of a time", func(t *testing.T) {
		auditor.opens("/desk/coins")
		auditor.does(tile + `await fill("#statement-user", "` + fmt.Sprint(bert.id) + `"); await pressText(/^Statement$/); await tile(/Closing balance/, /^40$/); if (rows(/Gift sent/) !== 2 || rows(/Top-up/) !== 1) throw new Error($("tbody").innerText);
			quiet(); all(".row button", /^CSV$/)[0].click(); const file = await until(() => files["user-` + fmt.Sprint(bert.id) + `.csv"]); if (!/,"-30","40",/.test(file)) throw new Error(file)`)
		auditor.does(tile + `const local = new Date(Date.now() - 3600e3 - new Date().getTimezoneOffset() * 60e3).toISOString().slice(0, 16);
			await fill("#statement-at", local); await pressText(/^Statement$/); await tile(/Closing balance/, /^0$/); await until(() => rows(/Gift sent/) === 0)`)
	})
	t.Run("the timeline shows a live as it was", func(t *testing.T) {
		eventually(t, "the live has a past", func() (passed bool) {
			auditor.run(`return (async () => { const found = await (await fetch("/api/live/`+fmt.Sprint(first)+`/at?time=" + encodeURIComponent(new Date().toISOString()), {headers: {token: localStorage.getItem("roomlog.token")}})).json(); return new Date(found.data.at) - new Date(found.data.created_at) > 3000; })();`, &passed)
			return passed
		})
		auditor.opens("/desk/timeline")
		auditor.does(tile + `await fill("#timeline-live", "` + fmt.Sprint(first) + `"); await pressText(/^Open$/); await tile(/Comments/, /^1$/); await tile(/Gifts/, /^1$/); await tile(/Coins/, /^30$/); await has(".panel li", /good evening/); $("#timeline").focus()`)
		auditor.keys(kb.Home)
		auditor.does(tile + `await tile(/Comments/, /^0$/); await tile(/Gifts/, /^0$/); await tile(/Coins/, /^0$/); if (all(".panel li", /good evening/).length) throw new Error("the comment is shown too early")`)
		auditor.keys(kb.End)
		auditor.does(tile + `await tile(/Comments/, /^1$/); await tile(/Gifts/, /^1$/)`)
	})
	auditor.check(site)

	t.Run("odd names stay names", func(t *testing.T) {
		viewer := operator.withScript(fmt.Sprintf("%s/watch/%d", site, first), recordCombos)
		viewer.knows("anna")
		viewer.does(`await shown('[data-state="joined"]')`)
		for i, name := range []string{"<img src=x onerror=alert(1)>", "שלום עולם", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "b" + strings.Repeat("\u0316", 29), strings.Repeat("W", 32)} {
			odd := join(t, at, fmt.Sprint("odd", i))
			odd.call(http.MethodPut, "/api/user/profile", map[string]any{"nickname": name}, nil)
			at.roomlog("coins", "credit", "--user", fmt.Sprint(odd.id), "--amount", "30", "--order", fmt.Sprint("odd", i))
			socket := odd.connect("")
			enter(t, socket, first, "")
			socket.must("comment.post", map[string]any{"live": first, "text": fmt.Sprint("comment ", i)}, "")
			socket.must("gift.send", map[string]any{"live": first, "gift": 1, "num": 1}, "k")
			viewer.does(`const name = ` + js(name) + `, exact = (selector) => until(() => [...document.querySelectorAll(selector)].find((e) => e.textContent === name));
				await press('[data-tab="chat"]');
				const plain = (e) => { if (e.children.length) throw new Error(e.outerHTML); return e; };
				const line = (await has(".said", /^comment ` + fmt.Sprint(i) + `$/)).closest(".line"), said = plain(line.querySelector(".name")), gave = plain(await exact(".gift-line .name"));
				if (said.textContent !== name) throw new Error(said.outerHTML);
				for (const e of [line, gave.closest(".line")]) if (e.offsetHeight > 90) throw new Error(e.offsetHeight + " pixels: " + e.outerHTML);
				await until(() => combos.has(name + " ×1"));
				await press('[data-tab="viewers"]');
				const person = plain(await exact(".people button > [dir=auto]"));
				if (person.closest("button").offsetHeight > 90) throw new Error(person.outerHTML);
				quiet(); person.closest("button").click(); (await has(".measure", /Mute/)).querySelector("button").click();
				await until(() => !$("dialog") && messages.some(({element, text}) => element.matches(".notice") && text === name + " may not comment any more." && !element.children.length))`)
			viewer.fits("odd names")
		}
		viewer.does(`if ($("#app img")) throw new Error($("#app img").outerHTML)`)
		viewer.check(site)
		viewer.close()
	})
	t.Run("the page follows the language and the colours of the browser", func(t *testing.T) {
		viewer := operator.another("about:blank")
		viewer.drive(chromedp.ActionFunc(func(ctx context.Context) error {
			var agent string
			if err := chromedp.Evaluate(`navigator.userAgent`, &agent).Do(ctx); err != nil {
				return err
			}
			return emulation.SetUserAgentOverride(agent).WithAcceptLanguage("zh-CN,zh").Do(ctx)
		}), colours("dark"), chromedp.Navigate(site+"/"))
		viewer.does(`await has(".top .button", /^登录$/); if (document.documentElement.lang !== "zh-CN") throw new Error(document.documentElement.lang)`)
		viewer.does(light + `if (light()) throw new Error("the page is light in a dark browser"); if (document.documentElement.dataset.scheme) throw new Error("the scheme is chosen")`)
		viewer.drive(colours("light"))
		viewer.does(light + `await until(light)`)
		viewer.does(`await press(".language"); await has(".top .button", /^Sign in$/); await press(".top-end .round")`)
		viewer.reload() // the choices are kept
		viewer.does(light + `await has(".top .button", /^Sign in$/); await until(() => !light())`)
		viewer.check(site)
	})
}

// light is a script with the function light, which returns whether the page is lighter than its text.
const light = `const sum = (colour) => colour.match(/[\d.]+/g).slice(0, 3).reduce((all, n) => all + Number(n), 0);
	const light = () => { const {backgroundColor, color} = getComputedStyle(document.body); return sum(backgroundColor) > sum(color); };`

// colours lets the browser prefer a colour scheme.
func colours(scheme string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}})
}
