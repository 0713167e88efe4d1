package main_test

import (
	"strings"
	"testing"
)

// opens goes to an address of the page without loading it again.
func (p *inspector) opens(address string) {
	p.t.Helper()
	p.does(`history.pushState(null, "", ` + js(address) + `); dispatchEvent(new PopStateEvent("popstate")); await until(() => location.pathname === ` + js(strings.SplitN(address, "#", 2)[0]) + `)`)
}

// knows signs a user in who has an account.
func (p *inspector) knows(name string) {
	p.t.Helper()
	p.does(`await pressText(/^Sign in$/); await fill("#username", ` + js(name) + `); await fill("#password", ` + js("secret of "+name) + `); await press("dialog form .button"); await shown(".user-menu")`)
}

// says posts a comment.
func (p *inspector) says(text string) {
	p.t.Helper()
	p.does(`await press('[data-tab="chat"]'); await fill("#comment", ` + js(text) + `); await press(".composer .accent")`)
}

// TestPageKeepsOrder lets the streamer, a moderator and an operator keep order on the page, and viewers report, follow and find
// their way into lives that are not for everybody.
func TestPageKeepsOrder(t *testing.T) {
	t.Parallel()
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--test-payments"}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	streamer, boss := join(t, at, "anna"), join(t, at, "boss")
	for _, role := range []string{"operator", "auditor"} {
		at.roomlog("user", "grant", "2", "--role", role)
	}
	live := streamer.open("An evening with Anna")
	site := "http://" + at.addr
	anna := inspect(t, site+"/studio/1", 1440)
	anna.knows("anna")
	bert, carla := anna.another(site+"/watch/1"), anna.another(site+"/watch/1")
	bert.resize(390)
	for p, name := range map[*inspector]string{bert: "bert", carla: "carla"} {
		p.does(`await signUp(` + js(name) + `); await shown('[data-state="joined"]')`)
	}
	anna.does(`await press('[data-tab="order"]'); await press('[data-tab="modes"]')`)
	looks := func(name string, all ...*inspector) {
		t.Helper()
		for _, p := range all {
			p.still()
			p.fits(name)
			p.accessible(name)
		}
	}

	t.Run("the first comments are reviewed", func(t *testing.T) {
		anna.does(`await press('[data-mode="review"]'); await until(() => $('[data-mode="review"]').checked); await press('[data-tab="review"]')`)
		bert.does(`await has(".line", /waits for a moderator/)`)
		bert.says("free <b>coins</b>")
		bert.does(`const held = await has(".held", /free <b>coins<\/b>/); if (held.querySelector("b")) throw new Error(held.outerHTML)`)
		carla.says("hello from carla")
		carla.does(`await has(".held", /hello from carla/)`)
		anna.does(`await until(() => document.querySelectorAll(".case").length === 2); await has('[data-tab="order"]', /Order 2/)`)
		looks("the review", anna, bert)
		anna.does(`const release = (await has(".case", /hello from carla/)).querySelector(".button"); release.focus(); release.click(); await until(() => document.querySelectorAll(".case").length === 1)`)
		carla.does(`await has(".said", /hello from carla/); await until(() => !$(".held"))`)
		bert.does(`await has(".said", /hello from carla/); if (all(".said", /free/).length) throw new Error("the held comment is shown")`)
		anna.does(`(await has(".case", /free/)).querySelector(".danger").click(); await has(".order-none", /No comment waits/); await press('[data-tab="modes"]'); await press('[data-mode="review"]'); await until(() => !$('[data-mode="review"]').checked)`)
		bert.does(`await until(() => !$(".held")); await showed(".notice", /did not post your comment/)`)
	})
	t.Run("a viewer reports a comment, and the streamer decides", func(t *testing.T) {
		carla.says("you are all fools")
		bert.does(`(await has(".said", /fools/)).closest(".line").querySelector(".name").click(); await press("[data-report]"); await shown("#report-cause"); await until(() => document.activeElement.id === "report-cause");
			$("#report-cause").value = "insult"; $("#report-cause").dispatchEvent(new Event("change", {bubbles: true})); await fill("#report-text", "not nice")`)
		looks("the form of a report", bert)
		bert.does(`quiet(); await pressText(/^Send report$/); await showed(".notice", /Thank you/)`)
		anna.does(`await press('[data-tab="reports"]'); const report = await has(".case", /you are all fools/); if (!/Insult\s+not nice/.test(report.innerText)) throw new Error(report.innerText);
			await pressText(/^Claim$/); await has(".case", /You work on it/)`)
		looks("the reports", anna)
		anna.does(`await pressText(/^Uphold$/); await has(".order-none", /No report waits/); await press("#decided-reports"); await has(".case", /The report was upheld/)`)
		bert.does(`await showed(".notice", /The report was upheld/)`)
	})
	t.Run("a warning is seen by one, a muted viewer is told until when", func(t *testing.T) {
		anna.does(`await press('[data-tab="chat"]'); (await has(".name", /^carla$/)).click(); await fill("#reason", "mind your words"); await pressText(/^Send the reason/)`)
		carla.does(`await has("dialog .sentence", /mind your words/)`)
		looks("a warning", carla)
		carla.does(`await pressText(/^I understand$/); await until(() => !$("dialog"))`)
		anna.does(`await until(() => !$("dialog")); (await has(".name", /^carla$/)).click()`)
		looks("the measures", anna)
		anna.does(`(await has(".measure", /Mute/)).querySelector("button").click(); await has(".line", /carla may not comment/)`)
		carla.says("let me speak")
		carla.does(`await has(".composer .sentence", /muted in this live until/)`)
		anna.does(`await press('[data-tab="order"]'); await press('[data-tab="record"]'); (await has(".case", /Muted/)).querySelector("button").click(); await has(".case", /Unmuted/)`)
		looks("the record", anna)
		carla.does(`await pressText(/^Send$/); await has(".said", /let me speak/)`)
	})
	t.Run("modes and words refuse comments with a sentence", func(t *testing.T) {
		set := func(mode, value string) {
			anna.does(`await press('[data-tab="modes"]'); const mode = await shown('[data-mode="` + mode + `"]'); if (mode.type === "checkbox") mode.click(); else { mode.value = "` + value + `"; mode.dispatchEvent(new Event("change", {bubbles: true})); }`)
		}
		refused := func(text, sentence string) {
			bert.says(text)
			bert.does(`await has(".composer .sentence", ` + sentence + `)`)
		}
		set("links_off", "")
		bert.does(`await has(".line", /may not contain links/)`)
		refused("see example.org/x", `/must not contain links/`)
		set("stickers", "")
		bert.does(`await has(".line", /Only emoji and stickers/)`)
		refused("a word", `/Only emoji/`)
		set("links_off", "")
		set("stickers", "")
		set("followers", "1")
		bert.does(`await has(".line", /Only followers may comment/)`)
		refused("not a follower", `/Follow the streamer first/`)
		looks("the modes", anna)
		bert.does(`await press("[data-follow]"); await until(() => $("[data-follow]").ariaPressed === "true" && /Following/.test($("[data-follow]").innerText))`)
		bert.says("now a follower")
		carla.does(`await has(".said", /now a follower/)`)
		set("followers", "0")
		anna.does(`await press('[data-tab="words"]'); await fill("#words", "casino, Lotto"); await press(".words-form .button"); await until(() => document.querySelectorAll(".word").length === 2)`)
		looks("the words", anna)
		refused("to the c a s i n o", `/a word that is not allowed/`)
		anna.does(`all(".word button", /Delete/)[0].click(); await until(() => document.querySelectorAll(".word").length === 1)`)
	})
	t.Run("a moderator keeps order on a phone", func(t *testing.T) {
		anna.does(`await press('[data-tab="viewers"]'); (await has(".people button", /bert/)).click(); await pressText(/^Make moderator$/); await until(() => !$("dialog"))`)
		bert.does(`await press('[data-tab="order"]'); await press('[data-tab="modes"]'); await shown('[data-mode="slow"]'); await press('[data-tab="words"]'); await has(".word", /Lotto/); if ($('[data-tab="record"]')) throw new Error("a moderator sees the record")`)
		looks("the order on a phone", bert)
		bert.does(`await press('[data-tab="chat"]'); (await has(".said", /let me speak/)).closest(".line").querySelector(".name").click(); await press("[data-remove]")`)
		carla.does(`await until(() => all(".said", /let me speak/).length === 0)`)
	})
	t.Run("lives that are not for everybody say how to get in", func(t *testing.T) {
		set := func(access string) {
			anna.does(`await press('[data-tab="access"]'); const access = await shown("#access"); access.value = "` + access + `"; access.dispatchEvent(new Event("change", {bubbles: true})); if (access.value === "password") await fill("#access-password", "open sesame"); const save = await has("form button", /^Save$/); quiet(); save.click(); await showed(".notice", /Saved/)`)
		}
		set("password")
		carla.does(`await shown('[data-code="live_password"]'); await has(".gate", /anna/); await fill("#live-password", "wrong guess"); await pressText(/^Enter$/); await has(".gate .sentence", /not the password/)`)
		looks("the gate", carla)
		carla.does(`await fill("#live-password", "open sesame"); await pressText(/^Enter$/); await shown('[data-state="joined"]'); await has(".said", /now a follower/)`)
		looks("the access", anna)
		set("followers")
		carla.does(`await shown('[data-code="live_followers"]'); await press("[data-follow]"); await shown('[data-state="joined"]')`)
		set("invited")
		carla.does(`await shown('[data-code="live_invited"]'); await has(".gate", /Ask the streamer/)`)
		var link string
		anna.run(onPage+`await pressText(/^Create invitation$/); return await until(() => document.querySelector("[id^=copy-Link-with]")?.value);`, &link)
		looks("the invitations", anna)
		if !strings.HasPrefix(link, site+"/watch/1#invitation=") {
			t.Fatalf("the studio shows the invitation %q", link)
		}
		carla.opens(strings.TrimPrefix(link, site))
		carla.reload()
		carla.does(`await has(".gate", /You have an invitation/); await pressText(/^Enter$/); await shown('[data-state="joined"]')`)
		set("open")
	})
	t.Run("followed lives have a list", func(t *testing.T) {
		carla.opens("/")
		carla.does(`await press('[data-tab="followed"]'); await has(".card", /An evening with Anna/)`)
		carla.opens("/me")
		carla.does(`await has(".people-list li", /anna/); (await has(".people-list button", /Following/)).click(); await shown(".people-list [aria-pressed=false]")`)
		looks("the account", carla)
	})
	t.Run("an operator finds users, reports and the proof of a gift", func(t *testing.T) {
		carla.opens("/watch/1")
		carla.does(`await shown('[data-state="joined"]'); await press(".coins"); await pressText(/^Get 500 coins$/); await has("[data-balance]", /^500$/)`)
		if boss.id != 2 || live != 1 {
			t.Fatalf("user %d, live %d, want 2 and 1", boss.id, live)
		}
		carla.does(`await shown(".shelf-gift"); await pressText(/^Send for 30 coins$/); await has("[data-balance]", /^470$/)`)
		key := strings.TrimSpace(at.roomlog("audit", "key"))
		operator := anna.another(site + "/desk/users")
		operator.knows("boss")
		operator.does(`await has("td", /^bert$/); await fill("#user-query", "BERT"); await pressText(/^Find$/); await until(() => document.querySelectorAll("tbody tr").length === 1); await has("td", /^bert$/)`)
		looks("the users", operator)
		operator.opens("/desk/reports")
		operator.does(`await press("#decided-reports"); await has(".case", /bert/)`)
		operator.opens("/desk/words")
		operator.does(`await fill("#words", "hate"); await press(".words-form .button"); await has(".word", /hate/)`)
		operator.opens("/desk/coins")
		operator.does(`await has(".sentence.good", /The books balance/)`)
		looks("the coins", operator)
		operator.opens("/desk/gifts")
		operator.does(`await pressText(/^Proof$/); await until(() => $("dialog a[download]") || $("dialog .sentence"))`)
		eventually(t, "the gift is in the signed tree", func() (signed bool) {
			operator.run(onPage+`if ($("dialog a[download]")) return true; await press("dialog .round"); await pressText(/^Proof$/); await until(() => $("dialog a[download]") || $("dialog .sentence")); return Boolean($("dialog a[download]"));`, &signed)
			return signed
		})
		operator.forgive("409") // the tree did not contain the gift yet
		operator.does(`await fill("#audit-key", ` + js(strings.Replace(key, "+", "+0", 1)) + `); await pressText(/^Verify here$/); await shown("dialog .sentence.bad")`)
		operator.does(`await fill("#audit-key", ` + js(key) + `); await pressText(/^Verify here$/); const good = await has("dialog .sentence.good", /is in the signed tree/); await has("dialog dd", /Rose ×1/)`)
		looks("the proof", operator)
		operator.check(site)
	})
	t.Run("a paid live sells tickets, and refunds them before its start", func(t *testing.T) {
		sellsTickets(site, anna, bert, carla, looks)
	})
	for _, p := range []*inspector{anna, bert, carla} {
		p.forgive("403") // of lives for which the viewer had no right
		p.check(site)
	}
}
