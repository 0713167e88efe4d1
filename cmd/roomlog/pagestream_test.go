package main_test

import (
	"context"
	"strings"
	"testing"

	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// withScript opens an address in a context of its own. The script runs before those of the page.
func (p *inspector) withScript(address, script string) *inspector {
	p.t.Helper()
	q := p.another("about:blank")
	add := chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := pages.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	})
	if err := chromedp.Run(q.ctx, add, chromedp.Navigate(address)); err != nil {
		p.t.Fatal(err)
	}
	return q
}

// TestPagePlaysOddStreams shows a stream that changes its resolution, one without pictures, and streams in browsers without Media
// Source. It also shows what a user reads who comments too fast.
func TestPagePlaysOddStreams(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--auto-live", "--comment-rate", "0.05", "--comment-burst", "1"}, unhurried...)...)
	site := "http://" + at.addr
	streamer := join(t, at, "anna")
	room := streamer.create("An evening with Anna")
	looks := func(name string, p *inspector) {
		t.Helper()
		p.still()
		p.fits(name)
		p.accessible(name)
	}
	encoder := publish(t, film(t, 20), at.rtmpURL(room), "-stream_loop", "-1")
	bert := inspect(t, site+"/watch/1", 1440)
	bert.plays()
	bert.does(`await until(() => $("video").videoWidth === 320)`)

	t.Run("a comment that is too early says when it is accepted", func(t *testing.T) {
		bert.does(`await signUp("bert"); await shown('[data-state="joined"]')`)
		bert.says("the first")
		bert.does(`await has(".said", /the first/)`)
		bert.says("the second")
		bert.does(`await has(".composer .sentence", /^Too fast\. Try again in \d+ s\.$/); if ($("#comment").value !== "the second") throw new Error("the text is lost")`)
		looks("a comment that is too early", bert)
	})
	native := bert.without(site+"/watch/1", "MediaSource", "ManagedMediaSource")
	t.Run("without Media Source the browser itself plays HLS", func(t *testing.T) {
		var plays string
		native.run(`return document.createElement("video").canPlayType("application/vnd.apple.mpegurl");`, &plays)
		if plays == "" {
			native.does(`await has(".curtain", /cannot play the stream \(h264\)/i)`)
			return
		}
		// Chromium 148 shows pictures of a low-latency playlist, then fails when it reads the playlist again.
		native.does(`await until(() => $("video").src.includes("/index.m3u8?sign=")); await until(() => $("video").videoWidth === 320 && $("video").readyState >= 2)`)
	})
	native.close()
	t.Run("a browser that plays nothing says so", func(t *testing.T) {
		const neither = `for (const name of ["MediaSource", "ManagedMediaSource"]) Object.defineProperty(window, name, {value: undefined}); HTMLMediaElement.prototype.canPlayType = () => "";`
		old := bert.withScript(site+"/watch/1", neither)
		old.does(`await has(".curtain", /This browser cannot play the stream \(h264\)/i); await has("h1", /evening/)`)
		looks("a browser that plays nothing", old)
		old.check(site)
		old.close()
	})
	t.Run("a stream that no player can read says so", func(t *testing.T) {
		// The browser promises HLS, but the playlist is none.
		const broken = `for (const name of ["MediaSource", "ManagedMediaSource"]) Object.defineProperty(window, name, {value: undefined}); HTMLMediaElement.prototype.canPlayType = () => "maybe";
			const src = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
			Object.defineProperty(HTMLMediaElement.prototype, "src", {...src, set() { src.set.call(this, "/api/gift/list"); }});`
		old := bert.withScript(site+"/watch/1", broken)
		old.does(`await has(".curtain", /This browser cannot play the stream \(h264\)/i)`)
		old.close()
	})
	t.Run("the picture changes its size in mid-show", func(t *testing.T) {
		encoder.kill()
		encoder = ffmpeg(t, "-re", "-stream_loop", "-1", "-i", film(t, 20), "-vf", "scale=640:360", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "copy", "-f", "flv", at.rtmpURL(room))
		bert.does(`await until(() => $("video").videoWidth === 640)`)
		bert.plays()
	})
	t.Run("a stream without pictures shows the cover", func(t *testing.T) {
		audio := streamer.create("Only a voice")
		voice := publish(t, film(t, 20), at.rtmpURL(audio), "-stream_loop", "-1", "-vn")
		defer voice.kill()
		bert.opens("/watch/2")
		bert.does(`await has(".facts h1", /Only a voice/); await has(".way-why", /Audio only/); await shown(".player-cover");
			const video = $("video"), from = video.currentTime; await until(() => video.currentTime > from + 1 && video.videoWidth === 0);
			if (getComputedStyle(video).opacity !== "0" || $(".curtain")) throw new Error("the cover is not shown")`)
		looks("audio only", bert)
	})
	bert.forgive("ERR_INCOMPLETE_CHUNKED_ENCODING") // the encoder was killed
	bert.check(site)
}

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
		boss.does(`await press('[aria-label^="Send the event at position"]'); await has(".notice", /Sent again soon: 1/)`)
		eventually(t, "the receiver gets the event", func() bool { return receiver.accepted() == 1 })
		boss.keys("\x1b")
		boss.does(`await until(() => !$("dialog")); await has("[data-webhook=people] [data-letters]", /^0$/)`)
		boss.does(`await press('[aria-label="Dead letters of people"]'); await has("dialog [data-none]", /no dead letters/); await press("dialog .round"); await until(() => !$("dialog"))`)
	})
	t.Run("an operator replays a webhook", func(t *testing.T) {
		boss.does(`await press('[aria-label="Replay people"]'); await until(() => document.activeElement.id === "replay-from"); await fill("#replay-from", "tomorrow"); await pressText(/^Replay$/); await shown("dialog .sentence.bad")`)
		boss.does(`await fill("#replay-from", "1"); await fill("#replay-reason", "the receiver has lost them"); (await has("dialog button:not(.quiet)", /^Replay$/)).click(); await until(() => !$("dialog")); await has(".notice", /people continues there/)`)
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
