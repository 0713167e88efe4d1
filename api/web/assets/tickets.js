// Tickets for paid lives: buying one at the gate, the own ones in the account, and the list of the streamer. And the age that a live needs.
import { html, useEffect, useRef, useState } from "./vendor/ui.js";
import { account, balance, client, notify, number, say, t, time, toppingUp } from "./state.js";
import { newKey } from "./client.js";
import { Action, Dialog, Icon, Sentence, When, useTimer } from "./parts.js";

const page = 50; // tickets
const renew = 10000; // ms

/** Buy sells a ticket for the price that it shows. read reads the access of the live again, entered is called with the ticket. */
export function Buy({ id, price, read, entered }) {
  const [error, setError] = useState(null);
  const [old, setOld] = useState(0); // the price before it changed
  const key = useRef({ price: 0, key: "" }); // one for each price: a repeated press buys one ticket
  const missing = price - (balance.value ?? 0);
  const buy = async () => {
    if (key.current.price !== price) key.current = { price, key: newKey() };
    setError(null);
    setOld(0);
    try {
      await client.post("/api/live/ticket/buy", { id, price }, { key: key.current.key });
      notify(t("ticket.bought"), "good");
      await entered();
    } catch (e) {
      if (e.code === "ticket_not_needed") return entered(); // an earlier press has bought it, or the user needs none
      if (["ticket_price", "ticket_not_sold"].includes(e.code)) await read();
      if (e.code === "ticket_price") setOld(price);
      else setError(e);
      if (e.code === "coins_too_few") toppingUp.value = true;
    }
  };
  return html`<dl class="tiles"><div><dt>${t("ticket.price")}</dt><dd data-price>${number(price)}</dd></div><div><dt>${t("balance")}</dt><dd>${number(balance.value)}</dd></div></dl>
    ${old > 0 && old !== price && html`<p class="sentence bad" role="alert">${t("ticket.changed", { old: number(old), price: number(price) })}</p>`}
    <${Sentence} error=${error} />
    ${missing > 0 ? html`<p class="soft">${t("gift.few", { n: number(missing) })}</p><button type="button" class="button" onClick=${() => (toppingUp.value = true)}>${t("topup")}</button>`
      : html`<${Action} run=${buy}><${Icon} name="coin" />${t("ticket.buy", { n: number(price) })}<//>`}`;
}

/** Age says which age a live needs, and lets users enter theirs if their profile has none. done is called with a new age. */
export function Age({ min, done }) {
  const [own, setOwn] = useState(null);
  const [error, setError] = useState(null);
  const me = account.value?.id;
  useEffect(() => {
    client.get("/api/user/info").then((found) => setOwn(found.age), setError);
  }, [me]);
  const save = async (event) => {
    event.preventDefault();
    const age = Number(new FormData(event.target).get("age"));
    setError(null);
    try {
      await client.request("PUT", "/api/user/profile", { age });
      setOwn(age);
      await done();
    } catch (e) {
      setError(e);
    }
  };
  if (own > 0) return html`<p data-age=${own}>${own < min ? t("age.own", { n: own }) : t("loading")}</p>${own < min && html`<a class="button quiet" href="/me">${t("me")}</a>`}`;
  return html`${own === 0 && html`<form class="joined gate-form" onSubmit=${save}><label class="visually-hidden" for="own-age">${t("age")}</label><input id="own-age" name="age" type="number" inputmode="numeric" required min="1" max="150" autocomplete="off" placeholder=${t("age")} /><button class="button">${t("save")}</button></form>
    <p class="soft hint">${t("age.text")}</p>`}<${Sentence} error=${error} />`;
}

// useTickets reads pages of tickets, newest first. The first page is read again while no older one is shown.
function useTickets(/** @type {"/api/user/tickets" | `/api/live/${number}/tickets`} */ path) {
  const [items, setItems] = useState(/** @type {Api.Ticket[]} */ (null));
  const [cursor, setCursor] = useState(null);
  const [error, setError] = useState(null);
  const read = async (before) => {
    try {
      const found = await client.get(`${/** @type {"/api/user/tickets"} */ (path)}?limit=${page}${before ? "&before=" + encodeURIComponent(before) : ""}`);
      setItems((had) => [...(before ? had : []), ...found.items]);
      setCursor(found.items.length === page ? found.cursor : null);
      setError(null);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => void read(), [path]);
  return { items, cursor, error, read, more: cursor && html`<div class="center"><button type="button" class="button quiet" onClick=${() => read(cursor)}>${t("more")}</button></div>` };
}

const refunded = (/** @type {Api.Ticket} */ ticket) => html`<span class="tag state-3">${t("ticket.refunded")}</span>${ticket.reason && html` <bdi class="soft">${ticket.reason}</bdi>`}`;

const ENDED = 3; // status of a live

// OwnRefund lets users give their own ticket back when the live has ended without having started. The server knows whether it has.
function OwnRefund(/** @type {Api.Props<{ ticket: Api.Ticket }>} */ { ticket, close, done }) {
  const [status, setStatus] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    client.get(`/api/live/read/${ticket.live}`).then((found) => setStatus(found.data.status), setError);
  }, []);
  const send = async (event) => {
    event.preventDefault();
    const reason = new FormData(event.target).get("reason").trim();
    setBusy(true);
    setError(null);
    try {
      await client.post("/api/live/ticket/refund", { id: ticket.live, user: account.value.id, reason });
      notify(t("refund.own.done", { n: number(ticket.coin) }), "good");
      close();
    } catch (e) {
      setError(e.code === "forbidden" ? t("refund.own.started") : e);
    }
    setBusy(false);
    done();
  };
  return html`<${Dialog} title=${t("refund.own")} close=${close} class="narrow"><p>${t("refund.own.text", { n: number(ticket.coin) })}</p>
    <${Sentence} error=${error} />
    ${status === ENDED ? html`<form onSubmit=${send}><div class="field"><label for="refund-reason">${t("reason")}</label><input id="refund-reason" name="reason" required maxlength="100" dir="auto" autocomplete="off" value=${t("refund.own.reason")} aria-describedby="refund-hint" /><p class="soft hint" id="refund-hint">${t("refund.own.hint")}</p></div>
        <div class="row"><button type="button" class="button quiet" onClick=${close}>${t("cancel")}</button><button class="button danger" disabled=${busy} aria-busy=${busy}>${t("refund")}</button></div></form>`
      : html`${status !== null && html`<p class="sentence bad">${t("refund.own.early")}</p>`}<button type="button" class="button wide" onClick=${close}>${t("close")}</button>`}<//>`;
}

/** OwnTickets lists the tickets that the user has bought, and lets the user ask for their refund. */
export function OwnTickets() {
  const tickets = useTickets("/api/user/tickets");
  const [asked, setAsked] = useState(/** @type {Api.Ticket} */ (null)); // the ticket to refund
  const { items } = tickets;
  if (!items?.length) return html`<${Sentence} error=${tickets.error} />`;
  return html`<h2>${t("tickets")}</h2><${Sentence} error=${tickets.error} />
    <ul class="panel flush people-list" data-tickets>${items.map((ticket) => html`<li key=${ticket.position}><span class="card-lines"><a href=${"/watch/" + ticket.live}><strong>${t("report.live", { live: ticket.live })}</strong></a><span>${time(ticket.at)} · ${t("coins", { n: number(ticket.coin) })}</span>${ticket.refunded && html`<span>${refunded(ticket)}</span>`}</span>${!ticket.refunded && html`<button type="button" class="button quiet small" aria-label=${t("refund.own.of", { live: ticket.live })} onClick=${() => setAsked(ticket)}>${t("refund")}…</button>`}</li>`)}</ul>${tickets.more}
    ${asked && html`<${OwnRefund} key=${asked.position} ticket=${asked} close=${() => setAsked(null)} done=${() => tickets.read()} />`}`;
}

// Refund asks for the reason of a refund. ticket is one ticket, or null for all.
function Refund(/** @type {Api.Props<{ ticket: Api.Ticket | null, sums: Api.TicketSums }>} */ { id, ticket, sums, close, done }) {
  const [error, setError] = useState(null);
  const [refunds, setRefunds] = useState(0);
  const [refused, setRefused] = useState(/** @type {Api.RefusedTicket[]} */ ([]));
  const [busy, setBusy] = useState(false);
  const open = useRef(true);
  useEffect(() => () => (open.current = false), []);
  const all = async (reason) => {
    let after = 0;
    let count = 0;
    const failed = [];
    do {
      try {
        const found = await client.post("/api/live/ticket/refund_all", { id, reason, ...(after && { after }) });
        after = found.next;
        count += found.refunded;
        failed.push(...found.refused);
        setRefunds(count);
      } catch (e) {
        if (e.code !== "rate_limited") throw e;
        setError(e);
        await new Promise((resolve) => setTimeout(resolve, e.retryAfter || 1000));
        setError(null);
      }
    } while (after > 0 && open.current);
    return failed;
  };
  const send = async (event) => {
    event.preventDefault();
    const reason = new FormData(event.target).get("reason").trim();
    setBusy(true);
    setError(null);
    try {
      if (ticket) await client.post("/api/live/ticket/refund", { id, user: ticket.user.id, reason });
      const failed = ticket ? [] : await all(reason);
      if (failed.length > 0) setRefused(failed);
      else if (open.current) {
        notify(t("saved"), "good");
        close();
      }
    } catch (e) {
      setError(e);
    }
    setBusy(false);
    done();
  };
  const sentences = [...new Set(refused.map((r) => say({ code: r.code, message: r.text })))];
  return html`<${Dialog} title=${t(ticket ? "refund.one" : "refund.all.title")} close=${close} class="narrow">
    <p>${ticket ? html`<bdi>${ticket.user.name}</bdi>: ${t("refund.one.text", { n: number(ticket.coin) })}` : t("refund.all.text", { n: number(sums.sold - sums.refunded), coins: number(sums.coin) })}</p>
    ${refused.length > 0 ? html`<p class="sentence bad" role="alert">${t("refund.refused", { n: number(refused.length) })} ${sentences.join(" ")}</p><button type="button" class="button wide" onClick=${close}>${t("close")}</button>`
      : html`<form onSubmit=${send}><div class="field"><label for="refund-reason">${t("reason")}</label><input id="refund-reason" name="reason" required maxlength="100" dir="auto" autocomplete="off" aria-describedby="refund-hint" /><p class="soft hint" id="refund-hint">${t("refund.reason.hint")}</p></div>
        <${Sentence} error=${error} />
        ${refunds > 0 && html`<p role="status">${t("refund.count", { n: number(refunds) })}</p>`}
        <div class="row"><button type="button" class="button quiet" onClick=${close}>${t("cancel")}</button><button class="button danger" disabled=${busy} aria-busy=${busy}>${t(ticket ? "refund" : "refund.all")}</button></div></form>`}<//>`;
}

/** LiveTickets lists the tickets for a live with their sums. The owner may refund them before the live has started. */
export function LiveTickets({ id, status }) {
  const tickets = useTickets(`/api/live/${id}/tickets`);
  const [sums, setSums] = useState(/** @type {Api.TicketSums} */ (null));
  const [asked, setAsked] = useState(/** @type {{ ticket: Api.Ticket | null }} */ (null)); // { ticket }: what to refund; ticket is null for all
  const { items } = tickets;
  const read = () => {
    client.get(`/api/live/${id}/tickets/sums`).then(setSums, () => {});
    return tickets.read();
  };
  useEffect(() => void read(), [id, status]);
  useTimer(() => !asked && (items?.length ?? 0) <= page && read(), renew, [items?.length, asked]);
  const may = status === 0 || status === 3; // a live that was stopped before its start is refunded, too; the server refuses others
  const valid = sums ? sums.sold - sums.refunded : 0;
  return html`<section class="panel"><h2>${t("tickets")}</h2><${Sentence} error=${tickets.error} />
    ${sums && html`<dl class="tiles" data-sums><div><dt>${t("tickets.sold")}</dt><dd>${number(sums.sold)}</dd></div><div><dt>${t("tickets.refunded")}</dt><dd>${number(sums.refunded)}</dd></div><div><dt>${t("studio.coins")}</dt><dd>${number(sums.coin)}</dd></div><div><dt>${t("tickets.share")}</dt><dd>${number(sums.share)}</dd></div></dl>`}
    ${items?.length === 0 && html`<p class="soft">${t("tickets.none")}</p>`}
    ${items?.length > 0 && html`<p class="soft">${t(may ? "refund.before" : "refund.after")}</p>
      <div class="table" tabindex="0" role="region" aria-label=${t("tickets")}><table><thead><tr><th>${t("when")}</th><th>${t("viewer")}</th><th class="end">${t("studio.coins")}</th><th></th></tr></thead><tbody>
      ${items.map((ticket) => html`<tr key=${ticket.position}><td><${When} at=${ticket.at} /></td><td dir="auto">${ticket.user.name}</td><td class="end">${number(ticket.coin)}</td><td class="end">${ticket.refunded ? refunded(ticket) : may && html`<button type="button" class="button danger small" aria-label=${t("refund.of", { name: ticket.user.name })} onClick=${() => setAsked({ ticket })}>${t("refund")}</button>`}</td></tr>`)}</tbody></table></div>${tickets.more}`}
    ${may && valid > 0 && html`<button type="button" class="button danger" data-refund-all onClick=${() => setAsked({ ticket: null })}>${t("refund.all")}</button>`}
    ${asked && html`<${Refund} id=${id} ticket=${asked.ticket} sums=${sums} close=${() => setAsked(null)} done=${read} />`}</section>`;
}
