// How streamers, moderators and operators keep order: held comments, reports, modes, words, and the record of acts.
import { html, useEffect, useState } from "./vendor/ui.js";
import { account, client, notify, number, roles, say, t, time } from "./state.js";
import { newKey } from "./client.js";
import { Action, Avatar, Sentence, Tabs, useTimer } from "./parts.js";

const renew = 10000; // ms

/**
 * useList reads a list, again after each act, when the inputs change, and from time to time.
 * @template T
 * @param {() => Promise<T[] | { items: T[] }>} get
 * @param {unknown[]} inputs
 */
function useList(get, inputs) {
  const [items, setItems] = useState(/** @type {T[]} */ (null));
  const [more, setMore] = useState(false);
  const [error, setError] = useState(null);
  const read = async () => {
    try {
      const found = await get();
      setItems("items" in found ? found.items : found);
      setMore("items" in found && found.items.length === 100);
      setError(null);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => void read(), inputs);
  useTimer(read, renew, inputs);
  const act = async (to, body, done = "saved") => {
    try {
      await client.post(to, body, { key: newKey() });
      notify(t(done), "good");
    } catch (e) {
      notify(say(e), "bad");
    }
    await read();
  };
  return { items, more, error, act };
}

function List({ list, none, children }) {
  if (!list.items) return html`<${Sentence} error=${list.error} />`;
  return html`<${Sentence} error=${list.error} />${list.items.length === 0 ? html`<p class="soft order-none">${t(none)}</p>` : html`<ul class="cases">${list.items.map(children)}</ul>`}
    ${list.more && html`<p class="soft hint">${t("order.more")}</p>`}`;
}

function Review(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room }) {
  const id = room.live.value.id;
  const list = useList(() => client.get(`/api/live/${id}/review?limit=100&after=0`), [id, room.waiting.value]);
  return html`<${List} list=${list} none="review.none">${(/** @type {typeof list.items[0]} */ item) => html`<li class="case" key=${item.held} data-held=${item.held}>
    <p class="case-head"><${Avatar} user=${item.user} size="small" /><strong dir="auto">${item.user.name}</strong><span class="tag">${t("review." + item.cause)}</span><time class="soft">${time(item.at)}</time></p>
    <p class="said" dir="auto">${item.text}</p>
    <div class="case-acts"><${Action} class="small" run=${() => list.act("/api/live/comment/release", { id, held: item.held }, "review.released")}>${t("review.release")}<//><${Action} class="danger small" run=${() => list.act("/api/live/comment/drop", { id, held: item.held }, "review.dropped")}>${t("review.drop")}<//></div></li>`}<//>`;
}

// Decide has the buttons of an open report. live is the live of the report.
function Decide(/** @type {Api.Props<{ report: Api.Report }>} */ { report, act, choose }) {
  const id = report.live;
  const claimed = report.claimer && Date.parse(report.claimed_until) > Date.now();
  const mine = claimed && report.claimer.id === account.value?.id;
  return html`${claimed && html`<p class="hint">${t(mine ? "report.mine" : "report.claimed", { name: report.claimer.name, at: time(report.claimed_until) })}</p>`}
    <div class="case-acts">${!claimed && html`<${Action} class="quiet small" run=${() => act("/api/live/report/claim", { id, report: report.report }, "report.claimed.done")}>${t("report.claim")}<//>`}
      <${Action} class="small" run=${() => act("/api/live/report/decide", { id, report: report.report, decision: "upheld" }, "report.decided")}>${t("report.uphold")}<//>
      <${Action} class="quiet small" run=${() => act("/api/live/report/decide", { id, report: report.report, decision: "rejected" }, "report.decided")}>${t("report.reject")}<//>
      ${report.comment && html`<${Action} class="danger small" run=${() => act("/api/live/comment/remove", { id, comment: report.comment }, "remove.done")}>${t("remove")}<//>`}
      ${choose && html`<button type="button" class="button danger small" onClick=${() => choose({ user: report.user })}>${t("measures")}…</button>`}</div>`;
}

/** Reports lists the open reports of a live, or of all lives if path names those. */
export function Reports(/** @type {Api.Props<{ path: "/api/operator/reports" | `/api/live/${number}/reports` }>} */ { path, choose, links }) {
  const [decided, setDecided] = useState(false);
  const list = useList(() => client.get(`${/** @type {"/api/operator/reports"} */ (path)}?limit=100&decided=${decided}`), [path, decided]);
  return html`<label class="check"><input id="decided-reports" type="checkbox" checked=${decided} onChange=${(e) => setDecided(e.target.checked)} />${t("report.show.decided")}</label>
    <${List} list=${list} none="report.none">${(/** @type {typeof list.items[0]} */ report) => html`<li class="case" key=${report.live + "/" + report.report} data-report=${report.report}>
      <p class="case-head"><${Avatar} user=${report.user} size="small" /><strong dir="auto">${report.user.name}</strong><span class="tag">${t(report.comment ? "report.of.comment" : "report.of.user")}</span><time class="soft">${time(report.at)}</time>${links && html`<a href=${"/watch/" + report.live}>${t("report.live", { live: report.live })}</a>`}</p>
      ${report.comment_text && html`<blockquote dir="auto">${report.comment_text}</blockquote>`}
      <ul class="causes">${report.reports.map((one, i) => html`<li key=${i}><strong>${t("cause." + one.cause)}</strong>${one.text && html` <bdi>${one.text}</bdi>`}${one.by && html` <span class="soft">— <bdi>${one.by.name}</bdi></span>`}</li>`)}</ul>
      ${report.decision ? html`<p class="soft">${t("decision." + report.decision)}</p>` : html`<${Decide} report=${report} act=${list.act} choose=${choose} />`}</li>`}<//>`;
}

const ages = [10, 60, 1440, 10080]; // minutes
const steps = { mute_all: [1], links_off: [1], stickers: [1], review: [1], slow: [5, 10, 30, 60, 300], members: ages, followers: [1, ...ages] };

const stepText = (mode, n) => (mode === "slow" ? t("seconds", { n: number(n) }) : mode === "followers" && n === 1 ? t("mode.all.followers") : n % 1440 === 0 ? t("days", { n: number(n / 1440) }) : t("minutes", { n: number(n) }));

function Modes(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room }) {
  const [error, setError] = useState(null);
  const set = async (mode, value) => {
    try {
      await client.post("/api/live/mode", { id: room.live.value.id, mode, value }, { key: newKey() });
      setError(null);
    } catch (e) {
      setError(e);
    }
    if (room.state.value !== "joined") await room.read();
  };
  const valueOf = (mode) => room.modes.value.find((m) => m.mode === mode && !(m.until && Date.parse(m.until) < Date.now()))?.value ?? 0;
  return html`<${Sentence} error=${error} /><ul class="modes">${Object.entries(steps).map(([mode, values]) => {
    const now = valueOf(mode);
    const name = html`<span>${t("mode." + mode + ".name")}</span>`;
    if (values.length === 1) return html`<li key=${mode}><label class="mode">${name}<input type="checkbox" role="switch" class="switch" data-mode=${mode} checked=${now > 0} onChange=${(e) => set(mode, e.target.checked ? 1 : 0)} /></label></li>`;
    const all = values.includes(now) || now === 0 ? values : [...values, now];
    return html`<li key=${mode}><label class="mode">${name}<select data-mode=${mode} value=${now} onChange=${(e) => set(mode, Number(e.target.value))}><option value="0">${t("off")}</option>${all.map((n) => html`<option key=${n} value=${n}>${stepText(mode, n)}</option>`)}</select></label></li>`;
  })}</ul><p class="soft hint">${t("mode.hint")}</p>`;
}

/** Words shows the list of words of a live, or for id 0 that of the service. */
export function Words({ id }) {
  const list = useList(() => (id ? client.get(`/api/live/${id}/words`) : client.get("/api/operator/words")), [id]);
  const where = id ? { id } : {};
  const add = async (event) => {
    event.preventDefault();
    const form = event.target;
    const data = new FormData(form);
    const words = data.get("words").split(/[,，\n]/).map((word) => word.trim()).filter(Boolean);
    if (words.length === 0) return;
    await list.act("/api/live/words/add", { ...where, words, act: data.get("act"), exact: data.has("exact") });
    form.reset();
  };
  return html`<form class="words-form" onSubmit=${add}><div class="field"><label for="words">${t("words.add")}</label><input id="words" name="words" required dir="auto" autocomplete="off" maxlength="5000" /></div>
      <div class="row"><div class="field"><label for="words-act">${t("words.act")}</label><select id="words-act" name="act">${["refuse", "mask", "hold"].map((act) => html`<option key=${act} value=${act}>${t("words." + act)}</option>`)}</select></div>
      <label class="check"><input type="checkbox" name="exact" />${t("words.exact")}</label><button class="button">${t("add")}</button></div></form>
    <${List} list=${list} none="words.none">${(/** @type {typeof list.items[0]} */ word) => html`<li class="word" key=${word.word}><span dir="auto">${word.word}</span><span class="tag">${t("words." + word.act)}</span>${word.exact && html`<span class="tag">${t("words.exact")}</span>`}<span class="gap"></span><${Action} class="danger small" aria-label=${t("words.remove", { word: word.word })} run=${() => list.act("/api/live/words/remove", { ...where, words: [word.word] })}>${t("delete")}<//></li>`}<//>`;
}

// Record lists who did what, and lifts bans and mutes.
function Record(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room }) {
  const id = room.live.value.id;
  const list = useList(() => client.get(`/api/live/${id}/acts?limit=100`), [id]);
  const lift = (/** @type {Api.ModerationAct} */ item) => ({ "viewer.muted": "unmute", "viewer.banned": "unban", "moderator.appointed": "moderator/remove" })[item.act];
  return html`<${List} list=${list} none="op.none">${(/** @type {typeof list.items[0]} */ item) => html`<li class="case" key=${item.position}>
    <p class="case-head"><strong>${t("act." + item.act)}</strong>${item.user && html`<bdi>${item.user.name}</bdi>`}${item.mode && html`<span>${t("mode." + item.mode + ".name")}: ${item.value ? (steps[item.mode]?.length > 1 ? stepText(item.mode, item.value) : t("on")) : t("off")}</span>`}${item.decision && html`<span>${t("decision." + item.decision)}</span>`}</p>
    <p class="soft">${time(item.at)} · <bdi>${item.by?.name ?? t("desk")}</bdi>${item.until && " · " + t("until", { at: time(item.until) })}${item.reason && html` · <bdi>${item.reason}</bdi>`}</p>
    ${lift(item) && item.user && html`<div class="case-acts"><${Action} class="quiet small" run=${() => list.act("/api/live/" + lift(item), { id, user: item.user.id })}>${t("lift." + item.act)}<//></div>`}</li>`}<//>`;
}

/** Order has everything with which the owner, moderators and operators keep order in a live. */
export default function Order(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room, choose }) {
  const [tab, setTab] = useState("review");
  const id = room.live.value.id;
  const owns = account.value?.id === room.owner.value?.id || roles.value.includes("operator");
  const tabs = ["review", "reports", "modes", "words", ...(owns ? ["record"] : [])];
  return html`<${Tabs} label=${t("order")} now=${tab} choose=${setTab} tabs=${tabs.map((name) => ({ id: name, text: t("order." + name) }))} />
    <div class="order" tabindex="0" role="region" aria-label=${t("order." + tab)}>
      ${tab === "review" ? html`<${Review} room=${room} />` : tab === "reports" ? html`<${Reports} path=${`/api/live/${id}/reports`} choose=${choose} />` : tab === "modes" ? html`<${Modes} room=${room} />` : tab === "words" ? html`<${Words} id=${id} />` : html`<${Record} room=${room} />`}</div>`;
}
