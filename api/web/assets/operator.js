// The view of operators and auditors: streams, connections, gifts, coins, and a live as it was.
import { html, useEffect, useRef, useState } from "./vendor/ui.js";
import { account, asking, client, go, notify, number, roles, say, t, time } from "./state.js";
import { texts } from "./text.js";
import { newKey } from "./client.js";
import { Action, Dialog, Empty, Sentence, Tabs, When, useTimer, useTitle } from "./parts.js";
import { Chart } from "./chart.js";
import { players, sampleOf, sizeOf } from "./sample.js";
import { GiftProof } from "./giftproof.js";
import { Reports, Words } from "./order.js";
import { Webhooks } from "./webhooks.js";

const kept = 150; // samples of the charts
const coinsEvery = 15000; // ms between two readings of the sums of all accounts
const minute = 60; // s over which the flow of coins is averaged

/** Table shows rows below heads. A head is a text, or a text in a list: its column has numbers. */
function Table({ label, head, rows, empty }) {
  if (rows.length === 0) return html`<p class="soft">${empty ?? t("op.none")}</p>`;
  return html`<div class="panel flush table" tabindex="0" role="region" aria-label=${label}><table><thead><tr>${head.map((h, i) => html`<th key=${i} class=${Array.isArray(h) ? "end" : null}>${h}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

// flowOf returns coins per minute between a sample and the oldest one of the last minute.
function flowOf(/** @type {{ at: number, bought: number, spent: number }[]} */ samples, /** @type {"bought" | "spent"} */ key) {
  return samples.map((sample) => {
    const first = samples.find((earlier) => earlier.at >= sample.at - minute);
    return first === sample ? null : ((sample[key] - first[key]) * minute) / (sample.at - first.at);
  });
}

// CoinFlow shows how many coins users buy and spend. Auditors see it, who may read the sums of all accounts.
function CoinFlow() {
  const [samples, setSamples] = useState(/** @type {{ at: number, bought: number, spent: number }[]} */ ([]));
  const read = async () => {
    const found = await client.get("/api/ledger/balance?limit=1").catch(() => /** @type {Api.TrialBalance} */ (null));
    if (!found) return;
    const sum = (...kinds) => found.totals.filter((one) => kinds.includes(one.kind)).reduce((all, one) => all + one.balance, 0);
    setSamples((all) => [...all, { at: Date.now() / 1000, bought: -sum("provider", "operator"), spent: sum("earnings", "held", "platform", "payout") }].slice(-kept));
  };
  useEffect(() => void read(), []);
  useTimer(read, coinsEvery);
  return /** @type {const} */ (["bought", "spent"]).map((key) => html`<${Chart} key=${key} title=${t("op.flow." + key)} unit=${t("op.per.minute")} data=${[samples.map((s) => s.at), flowOf(samples, key)]} />`);
}

// stateText returns a state of /readyz in the language of the page, if it is a usual one.
function stateText(text = "–") {
  const name = "ready." + text.replaceAll(" ", "_");
  return texts[name] ? t(name) : text;
}

function Overview() {
  const [now, setNow] = useState(/** @type {{ sample: ReturnType<typeof sampleOf>, nodes: number, ready: Api.Readiness }} */ (null));
  const [samples, setSamples] = useState(/** @type {ReturnType<typeof sampleOf>[]} */ ([]));
  const [error, setError] = useState(null);
  const last = useRef(null);
  const read = async () => {
    try {
      const [streams, sockets, ready] = await Promise.all([client.get("/api/streams"), client.get("/api/operator/sockets"), fetch("/readyz").then((r) => /** @type {Promise<Api.Readiness>} */ (r.json()))]);
      const sample = sampleOf({ streams, sockets, ready }, Date.now() / 1000, last.current);
      last.current = sample;
      setNow({ sample, nodes: sockets.nodes, ready });
      setSamples((all) => [...all, sample].slice(-kept));
      setError(null);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => void read(), []);
  useTimer(read, 3000);
  if (!now) return html`<${Sentence} error=${error} />`;
  const { sample, ready } = now;
  const chart = (key, title, unit = "") => html`<${Chart} title=${t(title)} unit=${unit} whole=${unit === ""} data=${[samples.map((s) => s.at), samples.map((s) => s[key])]} />`;
  return html`<${Sentence} error=${error} />
    ${ready.status !== "ready" && html`<p class="sentence bad" role="alert">${[stateText(ready.status), ...(ready.causes ?? [])].join(" · ")}</p>`}
    <dl class="tiles"><div><dt>${t("op.state")}</dt><dd>${stateText(ready.status)}</dd></div><div><dt>${t("op.nodes")}</dt><dd>${number(sample.nodes)} / ${number(now.nodes)}</dd></div><div><dt>${t("op.connections")}</dt><dd>${number(sample.sockets)}</dd></div>
      <div><dt>${t("op.streams")}</dt><dd>${number(sample.streams)}</dd></div><div><dt>${t("op.lag")}</dt><dd>${sample.lag === null ? "–" : t("op.events", { n: number(sample.lag) })}</dd></div><div><dt>${t("op.coins")}</dt><dd>${stateText(ready.checks?.coins)}</dd></div></dl>
    <div class="charts panel">${chart("nodes", "op.nodes")}${chart("streams", "op.streams")}${chart("sockets", "op.connections")}${chart("rate", "op.rate", "/s")}${chart("lag", "op.lag")}${chart("players", "studio.players")}${chart("bits", "op.bits", "Mbit/s")}
      ${roles.value.includes("auditor") && html`<${CoinFlow} />`}</div>`;
}

function Streams() {
  const [streams, setStreams] = useState(/** @type {Api.Stream[]} */ (null));
  const [error, setError] = useState(null);
  const read = () => client.get("/api/streams").then(setStreams, setError);
  useEffect(() => void read(), []);
  useTimer(read, 3000);
  const kick = async (live) => {
    await client.post("/api/streams/kick", { live }, { key: newKey() }).then(() => notify(t("saved"), "good"), (e) => notify(say(e), "bad"));
    await read();
  };
  if (!streams) return html`<${Sentence} error=${error} />`;
  return html`<${Table} label=${t("op.streams")} head=${[t("op.live"), t("studio.size"), [t("studio.bitrate")], [t("studio.keyframes")], [t("studio.players")], ""]} rows=${streams.map((s) => html`<tr key=${s.live}><td><a href=${"/watch/" + s.live} dir="auto">${s.title}</a></td><td>${sizeOf(s.media)} ${s.media?.video ?? s.media?.audio}</td><td class="end">${number(Math.round(s.bitrate / 1000))} kbit/s</td><td class="end">${(s.gop_ms / 1000).toFixed(1)} s</td><td class="end">${number(players(s))}</td><td class="end">${s.publishing && html`<${Action} class="danger small" run=${() => kick(s.live)}>${t("op.kick")}<//>`}</td></tr>`)} />`;
}

function Ban({ user, close }) {
  const [error, setError] = useState(null);
  const send = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const what = event.submitter.value;
    const reason = form.get("reason");
    const body = { user, ...(reason && { reason }), ...(what === "ban" && Number(form.get("seconds")) && { seconds: Number(form.get("seconds")) }) };
    try {
      await client.post("/api/operator/" + what, body, { key: newKey() });
      notify(t("saved"), "good");
      close();
    } catch (e) {
      setError(e);
    }
  };
  return html`<${Dialog} title=${t("op.user", { id: user })} close=${close} class="narrow"><form onSubmit=${send}>
    <div class="field"><label for="reason">${t("op.reason")}</label><input id="reason" name="reason" maxlength="100" dir="auto" /></div>
    <div class="field"><label for="seconds">${t("op.how.long")}</label><select id="seconds" name="seconds"><option value="3600">${t("ban.hour")}</option><option value="86400">${t("op.day")}</option><option value="0">${t("ban.good")}</option></select></div>
    <${Sentence} error=${error} />
    <div class="row"><button class="button danger" value="ban">${t("op.ban")}</button><button class="button quiet" value="unban">${t("op.unban")}</button><button class="button quiet" value="kick">${t("op.kick")}</button></div></form><//>`;
}

function Users() {
  const [query, setQuery] = useState("");
  const [items, setItems] = useState(/** @type {Api.ListedUser[]} */ (null));
  const [next, setNext] = useState(0);
  const [chosen, setChosen] = useState(0);
  const [error, setError] = useState(null);
  const read = async (after) => {
    const text = query.trim();
    const by = text === "" ? "after=" + after : /^\d+$/.test(text) ? "user=" + text : "name=" + encodeURIComponent(text);
    try {
      const found = await client.get(`/api/operator/users?${by}`);
      setItems((had) => [...(after ? had : []), ...found.items]);
      setNext(found.next);
      setError(null);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => void read(0), []);
  return html`<form class="filters" onSubmit=${(e) => { e.preventDefault(); void read(0); }}><div class="field"><label for="user-query">${t("op.user.query")}</label><input id="user-query" dir="auto" maxlength="32" autocomplete="off" value=${query} onInput=${(e) => setQuery(e.target.value)} /></div><button class="button">${t("op.find")}</button></form>
    <${Sentence} error=${error} />
    ${items && html`<${Table} label=${t("op.users")} empty=${t("op.users.none")} head=${["ID", t("username"), t("op.roles"), [t("studio.coins")], t("op.state"), t("op.since"), ""]} rows=${items.map((u) => html`<tr key=${u.user.id}><td>${u.user.id}</td><td><bdi>${u.username}</bdi>${u.user.name !== u.username && html` <span class="soft">(<bdi>${u.user.name}</bdi>)</span>`}</td><td>${u.roles.map((role) => html`<span class="tag" key=${role}>${texts["role." + role] ? t("role." + role) : role}</span> `)}</td><td class="end">${number(u.coin)}</td><td class="brief">${t("user." + u.state)}${u.banned_until && " · " + time(u.banned_until)}</td><td><${When} at=${u.created_at} /></td><td class="end">${u.state !== "forgotten" && html`<button type="button" class="button quiet small" onClick=${() => setChosen(u.user.id)}>${t("op.ban")}…</button>`}</td></tr>`)} />`}
    ${next > 0 && html`<div class="center"><button type="button" class="button quiet" onClick=${() => read(next)}>${t("more")}</button></div>`}
    ${chosen > 0 && html`<${Ban} user=${chosen} close=${() => { setChosen(0); void read(0); }} />`}`;
}

const AllReports = () => html`<${Reports} path="/api/operator/reports" links />`;
const ServiceWords = () => html`<p class="soft section-note">${t("words.service")}</p><${Words} id=${0} />`;

function Connections() {
  const [found, setFound] = useState(/** @type {Api.Connections} */ (null));
  const [user, setUser] = useState("");
  const [chosen, setChosen] = useState(0);
  const [error, setError] = useState(null);
  const read = () => client.get(Number(user) > 0 ? `/api/operator/sockets?user=${Number(user)}` : "/api/operator/sockets").then((f) => { setFound(f); setError(null); }, setError);
  useEffect(() => void read(), [user]);
  useTimer(read, 5000, [user]);
  return html`<div class="filters"><div class="field"><label for="of-user">${t("op.user.id")}</label><input id="of-user" inputmode="numeric" value=${user} onInput=${(e) => setUser(e.target.value)} /></div>
      <button type="button" class="button quiet" disabled=${!(Number(user) > 0)} onClick=${() => setChosen(Number(user))}>${t("op.ban")}…</button></div>
    <${Sentence} error=${error} />
    ${found && html`<${Table} label=${t("op.connections")} head=${[t("op.user.id"), t("lives"), t("op.address"), t("op.since"), ""]} rows=${found.sockets.slice(0, 200).map((s) => html`<tr key=${s.id}><td>${s.users.join(", ")}</td><td>${s.lives.map((l) => html`<a key=${l} href=${"/watch/" + l}>${l}</a> `)}</td><td>${s.address}</td><td><${When} at=${s.since} /></td><td class="end">${s.users[0] && html`<button type="button" class="button quiet small" onClick=${() => setChosen(s.users[0])}>${t("op.ban")}…</button>`}</td></tr>`)} />`}
    ${chosen > 0 && html`<${Ban} user=${chosen} close=${() => { setChosen(0); void read(); }} />`}`;
}

/** download lets the browser save rows as a CSV file. */
function download(name, rows) {
  const cell = (value) => {
    const text = String(value ?? "");
    return '"' + (/^[=+\-@\t\r]/.test(text) && !/^-?\d+$/.test(text) ? "'" : "") + text.replaceAll('"', '""') + '"'; // no text is a formula
  };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff" + rows.map((row) => row.map(cell).join(",")).join("\r\n")], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function Gifts() {
  const [filter, setFilter] = useState({ live: "", sender: "", from: "", to: "" });
  const [items, setItems] = useState(/** @type {Api.SentGift[]} */ ([]));
  const [cursor, setCursor] = useState(null);
  const [proven, setProven] = useState(0);
  const [error, setError] = useState(null);
  const newest = useRef(0); // an earlier request may be answered later
  const read = async (before) => {
    const mine = ++newest.current;
    const query = new URLSearchParams({ limit: "100" });
    for (const [name, value] of Object.entries(filter)) if (value) query.set(name, name === "from" || name === "to" ? new Date(value).toISOString() : value);
    if (before) query.set("before", before);
    try {
      const found = await client.get(`/api/gift/history?${query.toString()}`);
      if (mine !== newest.current) return;
      setItems((had) => [...(before ? had : []), ...found.items]);
      setCursor(found.items.length === 100 ? found.cursor : null);
      setError(null);
    } catch (e) {
      if (mine === newest.current) setError(e);
    }
  };
  useEffect(() => void read(), []);
  const field = (name, label, type) => html`<div class="field"><label for=${"gift-" + name}>${label}</label><input id=${"gift-" + name} type=${type} inputmode=${type === "text" ? "numeric" : null} value=${filter[name]} onInput=${(e) => setFilter({ ...filter, [name]: e.target.value })} /></div>`;
  return html`<form class="filters" onSubmit=${(e) => { e.preventDefault(); void read(); }}>${field("live", t("op.live.id"), "text")}${field("sender", t("op.user.id"), "text")}${field("from", t("op.from"), "datetime-local")}${field("to", t("op.to"), "datetime-local")}
      <button class="button">${t("op.find")}</button><button type="button" class="button quiet" onClick=${() => download("gifts.csv", [["at", "live", "sender", "name", "gift", "num", "coins"], ...items.map((g) => [g.at, g.live, g.sender.id, g.sender.name, g.name, g.num, g.coin])])}>CSV</button></form>
    <${Sentence} error=${error} />
    <${Table} label=${t("gifts")} head=${[t("when"), t("op.live"), t("studio.who"), t("gifts"), [t("studio.coins")], ""]} rows=${items.map((g) => html`<tr key=${g.id}><td><${When} at=${g.at} /></td><td><a href=${"/watch/" + g.live}>${g.live}</a></td><td dir="auto">${g.sender.name} (${g.sender.id})</td><td dir="auto">${g.name} ×${number(g.num)}</td><td class="end">${number(g.coin)}</td><td class="end"><button type="button" class="button quiet small" onClick=${() => setProven(g.position)}>${t("proof")}</button></td></tr>`)} />
    ${proven > 0 && html`<${GiftProof} key=${proven} position=${proven} close=${() => setProven(0)} />`}
    ${cursor && html`<div class="center"><button type="button" class="button quiet" onClick=${() => read(cursor)}>${t("more")}</button></div>`}`;
}

function Coins() {
  const [user, setUser] = useState("");
  const [kind, setKind] = useState("user");
  const [found, setFound] = useState(/** @type {Api.Statement} */ (null));
  const [totals, setTotals] = useState(/** @type {Api.TrialBalance} */ (null));
  const [at, setAt] = useState("");
  const [error, setError] = useState(null);
  const balance = () => client.get(`/api/ledger/balance?limit=1${at ? "&at=" + encodeURIComponent(new Date(at).toISOString()) : ""}`).then((f) => { setTotals(f); setError(null); }, setError);
  useEffect(() => void balance(), [at]);
  const statement = async (event) => {
    event.preventDefault();
    try {
      setFound(await client.get(`/api/ledger/statement?limit=200&account=${kind}-${Number(user)}${at ? "&to=" + encodeURIComponent(new Date(at).toISOString()) : ""}`));
      setError(null);
    } catch (e) {
      setError(e);
    }
  };
  return html`<form class="filters" onSubmit=${statement}><div class="field"><label for="statement-user">${t("op.user.id")}</label><input id="statement-user" required inputmode="numeric" value=${user} onInput=${(e) => setUser(e.target.value)} /></div>
      <div class="field"><label for="statement-kind">${t("op.account")}</label><select id="statement-kind" value=${kind} onChange=${(e) => setKind(e.target.value)}><option value="user">${t("op.wallet")}</option><option value="earnings">${t("op.earnings")}</option><option value="held">${t("account.held")}</option></select></div>
      <div class="field"><label for="statement-at">${t("op.as.of")}</label><input id="statement-at" type="datetime-local" value=${at} onInput=${(e) => setAt(e.target.value)} /></div><button class="button">${t("op.statement")}</button></form>
    <${Sentence} error=${error} />
    ${found && html`<${Statement} found=${found} name=${found.account} />`}
    <h2>${t("op.trial")}</h2>${totals && html`<p class=${"sentence " + (totals.sum === 0 && totals.unapplied === 0 ? "good" : "bad")} role="status">${totals.sum !== 0 ? t("op.books.differ", { n: number(totals.sum) }) : totals.unapplied > 0 ? t("op.books.unapplied", { n: number(totals.unapplied) }) : t("op.books.balance", { position: number(totals.position) })}</p>`}${totals && html`<${Table} label=${t("op.trial")} head=${[t("op.account"), [t("op.number")], [t("balance")]]} rows=${totals.totals.map((l) => html`<tr key=${l.kind}><td>${accountName(l.kind)}</td><td class="end">${number(l.accounts)}</td><td class="end">${number(l.balance)}</td></tr>`)} />`}`;
}

// references are the members of a posting that say what it is about.
const references = /** @type {const} */ (["order", "live", "gift", "refunds", "payout", "correction"]);

// accountName returns the name of a kind of accounts, or of one account, in words: "user-12" is the wallet of user 12.
function accountName(/** @type {string} */ account) {
  const [kind, id] = account.split("-");
  const name = "account." + kind + (id ? ".of" : "");
  return texts[name] ? t(name, { id }) : account;
}

// actorName returns who has caused an event: "user-12" is user 12.
const actorName = (/** @type {string} */ actor) => (actor.startsWith("user-") ? t("op.user", { id: actor.slice(5) }) : texts["actor." + actor] ? t("actor." + actor) : actor);

// postingText returns what a posting is about.
function postingText(/** @type {Api.Posting} */ posting) {
  const name = "event." + posting.event.replace(/\.v\d+$/, "");
  return [texts[name] ? t(name) : posting.event, ...references.filter((r) => posting[r]).map((r) => t("posting." + r, { id: posting[r] }))].join(" · ");
}

function Statement(/** @type {Api.Props<{ found: Api.Statement }>} */ { found, name }) {
  return html`<dl class="tiles"><div><dt>${t("op.opening")}</dt><dd>${number(found.opening)}</dd></div><div><dt>${t("op.closing")}</dt><dd>${number(found.closing)}</dd></div></dl>
    <div class="row"><h2>${accountName(name)}</h2><button type="button" class="button quiet small" onClick=${() => download(name + ".csv", [["at", "amount", "balance", "position", "event", "actor", "counterparties", ...references], ...found.items.map((i) => [i.at, i.amount, i.balance, i.position, i.event, i.actor, i.counterparties.join(" "), ...references.map((r) => i[r] ?? "")])])}>CSV</button></div>
    <${Table} label=${t("op.statement")} head=${[t("when"), [t("change")], [t("after")], t("op.counterparties"), t("op.what"), t("op.actor"), [t("op.position")]]} rows=${found.items.map((i) => html`<tr key=${i.position}><td><${When} at=${i.at} /></td><td class="end">${number(i.amount)}</td><td class="end">${number(i.balance)}</td><td>${i.counterparties.map(accountName).join(", ")}</td><td>${postingText(i)}</td><td>${actorName(i.actor)}</td><td class="end">${number(i.position)}</td></tr>`)} />`;
}

// Timeline shows a live as it was at a time.
function Timeline() {
  const [id, setId] = useState("");
  const [span, setSpan] = useState(null);
  const [at, setAt] = useState(0);
  const [state, setState] = useState(/** @type {Api.LiveAt} */ (null));
  const [error, setError] = useState(null);
  const open = async (event) => {
    event.preventDefault();
    try {
      const now = await client.get(`/api/live/${Number(id)}/at?time=${encodeURIComponent(new Date().toISOString())}`);
      const from = new Date(now.created_at).getTime() + 1000;
      const to = Math.max(from + 1000, new Date(now.at).getTime() + 1000);
      setSpan({ id: Number(id), from, to });
      setAt(to);
      setState(now);
      setError(null);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => {
    if (!span) return;
    const timer = setTimeout(() => client.get(`/api/live/${span.id}/at?time=${encodeURIComponent(new Date(at).toISOString())}`).then(setState, setError), 120);
    return () => clearTimeout(timer);
  }, [at]);
  return html`<form class="filters" onSubmit=${open}><div class="field"><label for="timeline-live">${t("op.live.id")}</label><input id="timeline-live" required inputmode="numeric" value=${id} onInput=${(e) => setId(e.target.value)} /></div><button class="button">${t("op.open")}</button></form>
    <${Sentence} error=${error} />
    ${!span && !error && html`<p class="soft">${t("op.timeline.hint")}</p>`}
    ${span && html`<div class="panel"><label class="field" for="timeline">${time(at)}</label><input id="timeline" type="range" min=${span.from} max=${span.to} step="1000" value=${at} onInput=${(e) => setAt(Number(e.target.value))} />
      ${state && html`<h2 dir="auto">${state.title}</h2><dl class="tiles"><div><dt>${t("viewers")}</dt><dd>${number(state.online)}</dd></div><div><dt>${t("op.seen")}</dt><dd>${number(state.look_count)}</dd></div><div><dt>${t("gifts")}</dt><dd>${number(state.gifts)}</dd></div><div><dt>${t("studio.coins")}</dt><dd>${number(state.coins)}</dd></div><div><dt>${t("op.comments")}</dt><dd>${number(state.comment_count)}</dd></div></dl>
        <ul>${state.comments.slice(0, 12).map((c) => html`<li key=${c.position} class="line"><span class="soft">${c.user}</span><span dir="auto">${c.content}</span></li>`)}</ul>`}</div>`}`;
}

export default function Operator({ part = "" }) {
  useTitle(t("desk"));
  useEffect(() => {
    if (!account.value && !client.token) asking.value = "none";
  }, [account.value]);
  const may = (role) => roles.value.includes(role);
  if (!account.value || !(may("operator") || may("auditor"))) return html`<${Empty} icon="user" title=${t(account.value ? "error.forbidden" : "why.none")} />`;
  const tabs = [...(may("operator") ? [["", "op.overview", Overview], ["streams", "op.streams", Streams], ["users", "op.users", Users], ["reports", "order.reports", AllReports], ["words", "order.words", ServiceWords], ["connections", "op.connections", Connections], ["webhooks", "webhooks", Webhooks]] : []), ...(may("auditor") ? [["gifts", "gifts", Gifts], ["coins", "op.coin.search", Coins], ["timeline", "op.timeline", Timeline]] : [])];
  const now = tabs.find(([id]) => id === part) ?? tabs[0];
  return html`<section class="page"><div class="page-head"><h1>${t("desk")}</h1></div>
    <${Tabs} label=${t("desk")} now=${now[0]} choose=${(id) => go("/desk" + (id && "/" + id))} tabs=${tabs.map(([id, text]) => ({ id, text: t(text) }))} />
    <div class="studio-part"><${now[2]} key=${now[0]} /></div></section>`;
}
