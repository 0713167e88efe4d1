package main_test

// sellsTickets lets anna sell tickets for her second live, which needs an age. bert has no coins and a phone, carla has 470 coins.
func sellsTickets(site string, anna, bert, carla *inspector, looks func(string, ...*inspector)) {
	chinese := func(p *inspector) { p.does(`await press(".language"); await press(".top-end .round")`) }

	// The streamer creates the live.
	anna.opens("/studio")
	anna.does(`await fill("#title", "A paid evening"); const access = await shown("#access"); access.value = "paid"; access.dispatchEvent(new Event("change", {bubbles: true}));
		await fill("#access-price", "500"); await fill("#min-age", "18")`)
	looks("a new paid live", anna)
	anna.does(`await pressText(/^Create live$/); await until(() => location.pathname === "/studio/2"); await press('[data-tab="tickets"]'); await has(".panel .soft", /No tickets were sold/)`)

	// A client that is not signed in learns what the live needs.
	anonymous := anna.another(site + "/watch/2")
	anonymous.does(`await shown('[data-code="live_age"]'); await has(".gate p", /18 years or older/); await has(".gate p", /A ticket costs 500 coins/); await has(".gate .button", /^Sign in$/)`)
	anonymous.close()

	// The age comes first.
	for _, p := range []*inspector{bert, carla} {
		p.opens("/watch/2")
		p.does(`await shown('[data-code="live_age"]'); await shown("#own-age")`)
	}
	looks("the gate of an age", bert, carla)
	carla.does(`await fill("#own-age", "17"); await pressText(/^Save$/); await shown('[data-age="17"]')`)
	carla.opens("/me")
	carla.does(`await until(() => $("#age")?.value === "17"); await fill("#age", "18"); const save = await has("form .button", /^Save$/); quiet(); save.click(); await showed(".notice", /Saved/)`)
	carla.opens("/watch/2")
	bert.does(`await fill("#own-age", "30"); await pressText(/^Save$/)`)

	// Coins that are missing are bought first. A price that has changed is shown before anybody pays it.
	for _, p := range []*inspector{bert, carla} {
		p.does(`await shown('[data-code="live_paid"]'); await has("[data-price]", /^500$/)`)
	}
	carla.does(`await has(".gate .soft", /You need 30 more coins/); if (all("button", /Buy a ticket/).length) throw new Error("a ticket is offered to somebody without coins"); (await has(".gate .button", /^Top up$/)).click(); await pressText(/^Get 500 coins$/); await has(".gate .button", /Buy a ticket for 500 coins/)`)
	looks("the gate of a paid live", carla)
	chinese(bert)
	bert.does(`await has(".gate h2", /需要购票/)`)
	looks("the gate of a paid live", bert)
	chinese(bert)
	anna.does(`await press('[data-tab="access"]'); await until(() => $("#access-price")?.value === "500"); await fill("#access-price", "600"); const save = await has("form button", /^Save$/); quiet(); save.click(); await showed(".notice", /Saved/); await until(() => $("#access-price").value === "600")
		while ((await (await fetch("/api/live/2/access")).json()).data.price !== 600) await new Promise((r) => setTimeout(r, 50))`)
	looks("the access of a paid live", anna)
	carla.does(`await pressText(/Buy a ticket for 500/); await has(".gate .sentence", /from 500 to 600 coins/); await has("[data-balance]", /^970$/); await has("[data-price]", /^600$/); await pressText(/Buy a ticket for 600/); await shown(".watch .curtain"); await has("[data-balance]", /^370$/)`)
	carla.forgive("409")
	bert.does(`(await has(".gate .button", /^Top up$/)).click(); await press(".choice:has([value='100'])"); await pressText(/^Get 1,000 coins$/); await pressText(/Buy a ticket for [56]00/);
		(await until(() => $(".watch .curtain") || all("button", /Buy a ticket for 600/).find((e) => !e.disabled))).click(); await shown(".watch .curtain"); await has("[data-balance]", /^400$/)`)
	bert.forgive("409")
	carla.opens("/me")
	carla.does(`await has("[data-tickets] li", /600 coins/); await has("td", /Ticket for live 2/)`)
	looks("the own tickets", carla)

	// The streamer refunds one ticket, then all. Those who had them are out.
	anna.does(`await press('[data-tab="tickets"]'); await has("[data-sums] dd", /^1,200$/); (await shown('[aria-label="Refund the ticket of bert"]')).click(); await fill("#refund-reason", "asked for it")`)
	looks("the refund of a ticket", anna)
	anna.does(`(await has("dialog .button", /^Refund$/)).click(); await until(() => !$("dialog")); await has("td", /asked for it/); await has("[data-sums] dd", /^600$/)`)
	looks("the tickets", anna)
	chinese(anna)
	anna.resize(390)
	looks("the tickets", anna)
	anna.resize(1440)
	chinese(anna)
	bert.does(`await has("[data-balance]", /^1,000$/); await shown('[data-code="live_paid"]')`)
	anna.does(`await press("[data-refund-all]"); await has("dialog p", /1 tickets are void, and 600 coins/); await fill("#refund-reason", "no show"); (await has("dialog .button", /^Refund all tickets$/)).click(); await until(() => !$("dialog")); await has("td", /no show/); await until(() => !$("[data-refund-all]"))`)
	carla.does(`await has("[data-balance]", /^970$/); await has("td", /Refund of a ticket for live 2/)`)

	// After the start only an operator refunds.
	bert.does(`await pressText(/Buy a ticket for 600/); await shown(".watch .curtain")`)
	anna.does(`await pressText(/^Go on air$/); await has(".panel .soft", /The live has started/); await until(() => document.querySelectorAll("td").length >= 12 && !$("[data-refund-all]") && !$('[aria-label^="Refund the ticket"]'))`)
	bert.does(`await shown('[data-state="joined"]')`)

	// A user gives the own ticket back when the live has ended without having started, and learns why that does not work before.
	bert.opens("/me")
	bert.does(`await press('[aria-label="Refund your ticket for live 2"]'); await has("dialog .sentence", /ended without having started/)`)
	looks("the refund that is too early", bert)
	bert.does(`(await has("dialog .wide", /^Close$/)).click(); await until(() => !$("dialog"))`)
	anna.opens("/studio")
	anna.does(`await fill("#title", "A show that falls through"); const access = await shown("#access"); access.value = "paid"; access.dispatchEvent(new Event("change", {bubbles: true}));
		await fill("#access-price", "100"); await pressText(/^Create live$/); await until(() => location.pathname === "/studio/3")`)
	carla.opens("/watch/3")
	carla.does(`await pressText(/Buy a ticket for 100/); await shown(".watch .curtain"); await has("[data-balance]", /^870$/)`)
	anna.does(`await pressText(/^Cancel live$/); (await has("dialog .danger", /^Cancel live$/)).click(); await has(".tag", /Ended/)`)
	carla.opens("/me")
	carla.does(`await press('[aria-label="Refund your ticket for live 3"]'); await shown("#refund-reason")`)
	looks("the refund of the own ticket", carla)
	carla.does(`(await has("dialog .danger", /^Refund$/)).click(); await until(() => !$("dialog")); await has("[data-balance]", /^970$/); await has("[data-tickets] li", /did not take place/);
		await until(() => !$('[aria-label="Refund your ticket for live 3"]'))`)

	// Of a live that has taken place, the server refuses it.
	anna.opens("/studio/2")
	anna.does(`await pressText(/^End live$/); (await has("dialog .danger", /^End live$/)).click(); await has(".tag", /Ended/)`)
	bert.opens("/")
	bert.opens("/me")
	bert.does(`await press('[aria-label="Refund your ticket for live 2"]'); await shown("#refund-reason"); (await has("dialog .danger", /^Refund$/)).click(); await has("dialog .sentence", /has taken place/); (await has("dialog .quiet", /^Cancel$/)).click()`)
	bert.forgive("403")
}
