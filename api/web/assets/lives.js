// The lists of lives: on air, and past shows.
import { html, useEffect, useRef, useState } from "./vendor/ui.js";
import { accessName, account, client, connection, number, short, t, time } from "./state.js";
import { Avatar, Cover, Empty, Icon, Sentence, Tabs, useTimer, useTitle } from "./parts.js";

const refresh = 5000; // ms
const firstPage = 24; // lives
const mostEmpty = 5; // empty pages after which the user asks for more

/** Card is a live in a list. */
export function Card(/** @type {Api.Props<{ live: Api.FoundLive }>} */ { live, past }) {
  const on = live.status === 1;
  return html`<a class="card" href=${(past ? "/replay/" : "/watch/") + live.id}>
    <span class="card-picture"><${Cover} live=${live} fresh=${!past} />
      ${past ? html`<span class="badge dark">${t("ended")}</span>` : html`<span class=${"badge " + (on ? "onair" : "dark")}>${t(on ? "live" : "paused")}</span>`}
      ${live.access !== "open" && live.access !== "unlisted" && html`<span class="badge dark locked"><${Icon} name=${live.access === "paid" ? "coin" : "lock"} />${accessName(live.access)}${live.price > 0 && " · " + short(live.price)}</span>`}
      ${live.min_age > 0 && html`<span class="badge dark aged">${live.min_age}+<span class="visually-hidden"> ${t("age.min", { n: live.min_age })}</span></span>`}
      <span class="badge end"><${Icon} name="eye" />${short(past ? live.look_count : live.online)}<span class="visually-hidden"> ${past ? t("viewers") : t("watching", { n: "" })}</span></span>
    </span>
    <span class="card-text"><${Avatar} user=${live.streamer} />
      <span class="card-lines"><strong dir="auto">${live.title}</strong><span dir="auto">${live.streamer.name}${past ? " · " + time(live.updated_time) : ""}</span></span></span>
  </a>`;
}

function Skeleton() {
  return html`<div class="grid" aria-hidden="true">${[1, 2, 3, 4, 5, 6].map((n) => html`<div key=${n} class="card ghost"><span class="card-picture"></span><span class="card-text"><span class="avatar"></span><span class="card-lines"><span></span><span></span></span></span></div>`)}</div>`;
}

export function OnAir() {
  const [lives, setLives] = useState(/** @type {Api.FoundLive[]} */ (null));
  const [text, setText] = useState("");
  const [of, setOf] = useState("on_air");
  const [error, setError] = useState(null);
  const newest = useRef(0);
  const list = account.value ? of : "on_air";
  useTitle(t("lives"));
  const read = async () => {
    const mine = ++newest.current;
    try {
      const found = await client.get(`/api/live/find?of=${list}${list === "on_air" && text.trim() ? "&text=" + encodeURIComponent(text.trim()) : ""}`);
      if (mine !== newest.current) return;
      setLives(found.items);
      setError(null);
    } catch (e) {
      if (mine === newest.current) setError(e);
    }
  };
  useEffect(() => {
    const timer = setTimeout(read, text ? 250 : 0);
    return () => clearTimeout(timer);
  }, [text, list, connection.value === "open"]);
  useTimer(read, refresh, [text, list]);
  return html`<section class="page">
    <div class="page-head"><h1>${t("onair")}${lives && !text ? html` <span class="count">${number(lives.length)}</span>` : ""}</h1>
      ${account.value && html`<${Tabs} label=${t("onair")} now=${list} choose=${(id) => { setText(""); setOf(id); }} tabs=${[{ id: "on_air", text: t("all") }, { id: "followed", text: t("following") }]} />`}
      <label class="search" hidden=${list !== "on_air"}><${Icon} name="search" /><span class="visually-hidden">${t("search")}</span><input type="search" maxlength="100" placeholder=${t("search")} value=${text} onInput=${(e) => setText(e.target.value)} /></label></div>
    <${Sentence} error=${error} />
    ${!lives ? !error && html`<${Skeleton} />` : lives.length ? html`<div class="grid">${lives.map((live) => html`<${Card} key=${live.id} live=${live} />`)}</div>`
      : list === "followed" ? html`<${Empty} icon="heart" title=${t("none.followed")}><p>${t("none.followed.text")}</p><//>`
        : text ? html`<${Empty} icon="search" title=${t("none.found", { text })} />`
        : html`<${Empty} title=${t("none.onair")}><p>${t("none.onair.text")}</p><a class="button" href="/studio">${t("open.studio")}</a><//>`}
  </section>`;
}

export function Past() {
  const [lives, setLives] = useState(/** @type {Api.FoundLive[]} */ (null));
  const [next, setNext] = useState(0);
  const [error, setError] = useState(null);
  const older = useRef(false); // older pages are not read again
  useTitle(t("past"));
  const read = async (before) => {
    older.current ||= before > 0;
    try {
      let found = /** @type {Api.FoundLives} */ ({ items: [], next: before });
      for (let asked = 0; asked === 0 || (found.items.length === 0 && found.next > 0 && asked < mostEmpty); asked++) {
        found = await client.get(`/api/live/find?of=past${found.next ? "&before=" + found.next : ""}`);
      }
      if (before === 0 && older.current) return;
      setLives((had) => [...(before ? had : []), ...found.items]);
      setNext(found.next);
      setError(null);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => void read(0), []);
  useTimer(() => !older.current && (lives?.length ?? 0) <= firstPage && read(0), refresh, [lives?.length]);
  return html`<section class="page">
    <div class="page-head"><h1>${t("past")}</h1></div>
    <${Sentence} error=${error} />
    ${!lives ? !error && html`<${Skeleton} />` : lives.length ? html`<div class="grid">${lives.map((live) => html`<${Card} key=${live.id} live=${live} past />`)}</div>`
      : next === 0 && html`<${Empty} icon="play" title=${t("none.past")}><p>${t("none.past.text")}</p><//>`}
    ${next > 0 && html`<div class="center"><button type="button" class="button quiet" onClick=${() => read(next)}>${t("more")}</button></div>`}
  </section>`;
}
