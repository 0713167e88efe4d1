package main_test

import (
	"strings"
	"testing"
)

// TestPageOperates lets an operator look after a webhook, and a streamer push a broadcast on, on the page. No secret is shown.
func TestPageOperates(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	receiver := startReceiver(t)
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--restream-networks", "127.0.0.1", "--webhook-networks", "127.0.0.1", "--webhook-first-retry", "100ms", "--webhook-last-retry", "100ms", "--webhook-retry-for", "1s"}, unhurried...)...)
	there := serve(t, append(withDatabase(t), "ROOMLOG_SIGN_SECRET=the-secret-of-another-service-0123456789"), "--data", dataDir(t))
	site := "http://" + at.addr
	streamer := join(t, at, "anna")
	join(t, at, "boss")
	at.roomlog("user", "grant", "2", "--role", "operator")
	_, secret, found := strings.Cut(at.roomlog("webhooks", "add", "people", "--url", receiver.URL+"/hooks", "--type", "user.registered.v1"), "secret ")
	if !found {
		t.Fatal("the command line shows no secret")
	}
	looks := func(name string, p *inspector) {
		t.Helper()
		p.still()
		for _, width := range []int64{1440, 390} {
			p.resize(width)
			p.fits(name)
			p.accessible(name)
			p.does(`await press(".language"); await press(".top-end .round"); await until(() => document.getAnimations().every((a) => a.playState !== "running"))`)
			p.fits(name)
			p.accessible(name)
			p.does(`await press(".language"); await press(".top-end .round")`)
		}
		p.resize(1440)
	}
	hides := func(p *inspector, secrets ...string) {
		t.Helper()
		for _, s := range secrets {
			p.does(`if ((document.documentElement.outerHTML + [...document.querySelectorAll("input")].map((i) => i.value)).includes(` + js(strings.TrimSpace(s)) + `)) throw new Error("the page contains a secret")`)
		}
	}

	boss := inspect(t, site+"/desk/webhooks", 1440)
	t.Run("an operator looks after a webhook", func(t *testing.T) {
		boss.knows("boss")
		boss.does(`await shown('[data-webhook=people][data-state=active]')`)
		join(t, at, "carl") // the receiver does not accept this event
		boss.does(`await has("[data-webhook=people] [data-letters]", /^1$/)`)
		looks("the webhooks", boss)
		boss.tabsTo(`[aria-label="Dead letters of people"]`)
		boss.keys("\r")
		boss.does(`await has("[data-dead] strong", /^user.registered.v1$/); await has("[data-dead] .fault", /HTTP 503/)`)
		receiver.accept()
		boss.does(`const send = await shown('[aria-label^="Send the event at position"]'); quiet(); send.click(); await showed(".notice", /Sent again soon: 1/)`)
		eventually(t, "the receiver gets the event", func() bool { return receiver.accepted() == 1 })
		boss.keys("\x1b")
		boss.does(`await until(() => !$("dialog")); await has("[data-webhook=people] [data-letters]", /^0$/)`)
		boss.does(`await press('[aria-label="Dead letters of people"]'); await has("dialog [data-none]", /no dead letters/); await press("dialog .round"); await until(() => !$("dialog"))`)
	})
	t.Run("an operator replays a webhook", func(t *testing.T) {
		boss.does(`await press('[aria-label="Replay people"]'); await until(() => document.activeElement.id === "replay-from"); await fill("#replay-from", "tomorrow"); await pressText(/^Replay$/); await shown("dialog .sentence.bad")`)
		boss.does(`await fill("#replay-from", "1"); await fill("#replay-reason", "the receiver has lost them"); const replay = await has("dialog button:not(.quiet)", /^Replay$/); quiet(); replay.click(); await until(() => !$("dialog")); await showed(".notice", /people continues there/)`)
		eventually(t, "the receiver gets all events again", func() bool { return receiver.accepted() == 1+3 })
		hides(boss, secret)
		boss.forgive("400")
		boss.forgive("422")
		boss.check(site)
	})
	room, target, own := streamer.create("a show"), join(t, there, "bert").create("the same show"), streamer.create("a loop")
	publish(t, film(t, 2), at.rtmpURL(room), "-stream_loop", "-1")
	split := func(url string) (server, key string) {
		i := strings.LastIndex(url, "/")
		return url[:i], url[i+1:]
	}
	anna := boss.another(site + "/studio/1")
	t.Run("a streamer pushes the broadcast on", func(t *testing.T) {
		anna.knows("anna")
		add := func(name, server, key string) {
			t.Helper()
			anna.does(`await fill("#restream-target", ` + js(name) + `); await fill("#restream-url", ` + js(server) + `); await fill("#restream-key", ` + js(key) + `); await press(".restream-form .button")`)
		}
		anna.does(`await press('[data-tab="restream"]'); await has("[data-none]", /no targets/)`)
		add("wrong", "http://127.0.0.1/live", "x")
		anna.does(`await has(".restream-form .sentence", /rtmp/)`)
		server, key := split(there.rtmpURL(target))
		add("there", server, key)
		anna.does(`await shown('[data-target=there][data-state=live]'); await until(() => $("#restream-key").value === ""); await has("[data-target=there] bdi", ` + `/^rtmp:.*\/live$/)`)
		server, ownKey := split(at.rtmpURL(own))
		add("loop", server, ownKey)
		anna.does(`await shown('[data-target=loop][data-state=failed]'); await has("[data-target=loop] .fault", /Rejected/)`)
		looks("the restream targets", anna)
		hides(anna, key, target.Data.Key, ownKey, own.Data.Key)
	})
	t.Run("a streamer removes a target with the keyboard", func(t *testing.T) {
		anna.tabsTo(`[aria-label="Delete the target loop"]`)
		anna.keys("\r")
		anna.does(`await shown("dialog .danger")`)
		anna.tabsTo("dialog .danger")
		anna.keys("\r")
		anna.does(`await until(() => !$("dialog") && !$("[data-target=loop]")); await shown("[data-target=there]")`)
	})
	anna.forgive("400")
	anna.check(site)
}
