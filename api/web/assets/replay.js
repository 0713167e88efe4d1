// A past show: its recording with its comments and gifts in sync.
import { html, useEffect, useMemo, useRef, useState } from "./vendor/ui.js";
import { client, clock, say, t, time } from "./state.js";
import { Avatar, BackHome, Cover, Empty, Sentence, useTitle } from "./parts.js";
import { Lines } from "./chat.js";
import { storedVolume } from "./player.js";
import { Stage, settings } from "./danmaku.js";

const MOST = 200; // lines that are shown
const PAGE = 500; // comments or gifts that one request reads

const AHEAD = 60_000; // ms before its time at which a comment or gift is read
const PAUSE = 500; // ms between two pages, so that other requests of the address keep their rate

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * readAlong reads a history, oldest first, and passes on each page. It reads the next page when the show is near the end of the
 * last one. It ends early when wanted returns false.
 * @template {{ at: string }} T
 * @param {(query: string) => Promise<{ items: T[], cursor: string | null }>} read
 * @param {(items: T[]) => void} show
 * @param {() => boolean} wanted
 * @param {{ current: number }} now time of day that the show has reached, in milliseconds
 */
async function readAlong(read, show, wanted, now) {
  for (let after = "0", until = 0; wanted(); await pause(PAUSE)) {
    if (until > now.current + AHEAD) continue;
    try {
      const { items, cursor } = await read("limit=" + PAGE + "&after=" + encodeURIComponent(after));
      if (wanted() && items.length > 0) show(items);
      if (items.length < PAGE) return;
      after = cursor;
      until = new Date(items.at(-1).at).getTime();
    } catch (error) {
      if (error.code !== "rate_limited") throw error;
      await pause(error.retryAfter || 1000);
    }
  }
}

/** insert adds a page to facts in the order of their times. Only facts later than the first of the page are sorted again. */
function insert(/** @type {{ at: number }[]} */ facts, /** @type {{ at: number }[]} */ page) {
  const from = facts.findLastIndex((fact) => fact.at <= page[0].at) + 1;
  return [...facts.slice(0, from), ...[...facts.slice(from), ...page].sort((a, b) => a.at - b.at)];
}

/** wallClock returns a function from seconds of the recording to the time of day in milliseconds, and the other way round. */
function wallClock(/** @type {Api.RecordingPart[]} */ parts) {
  let from = 0;
  const spans = parts.map((part) => {
    const span = { from, to: from + part.duration_ms / 1000, at: new Date(part.started_at).getTime() };
    from = span.to;
    return span;
  });
  return (seconds) => {
    const span = spans.find((s) => seconds < s.to) ?? spans.at(-1);
    return span ? span.at + (seconds - span.from) * 1000 : 0;
  };
}

// local returns the address of a recording at the server of the page.
const local = (address) => location.origin + new URL(address, location.href).pathname + new URL(address, location.href).search;

function Film(/** @type {Api.Props<{ recording: Api.Recording, live: Api.OwnedLive }>} */ { recording, live, onTime, seek }) {
  const video = useRef(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let engine = null;
    let wanted = true;
    const element = video.current;
    const source = local(recording.hls_url);
    element.volume = storedVolume();
    if (element.canPlayType("application/vnd.apple.mpegurl") && !globalThis.MediaSource) element.src = source;
    else {
      import("./vendor/hls.js").then(({ default: Hls }) => {
        if (!wanted) return;
        engine = new Hls({ enableWorker: false });
        engine.on(Hls.Events.ERROR, (_, data) => data.fatal && setError(t("why.media")));
        engine.loadSource(source);
        engine.attachMedia(element);
      }, setError);
    }
    const tick = () => onTime(element.currentTime);
    element.addEventListener("timeupdate", tick);
    element.addEventListener("seeked", tick);
    return () => {
      wanted = false;
      element.removeEventListener("timeupdate", tick);
      element.removeEventListener("seeked", tick);
      engine?.destroy();
    };
  }, [recording.id]);
  seek.current = (seconds) => {
    video.current.currentTime = seconds;
  };
  return html`<video ref=${video} controls playsinline aria-label=${live.title}></video>${error && html`<div class="curtain"><${Sentence} error=${error} /></div>`}`;
}

export default function Replay({ id }) {
  const [live, setLive] = useState(/** @type {Api.OwnedLive} */ (null));
  const [recordings, setRecordings] = useState(/** @type {Api.Recording[]} */ (null));
  const [chosen, setChosen] = useState(0);
  const [facts, setFacts] = useState([]);
  const [read, setRead] = useState(false);
  const [error, setError] = useState(null);
  const [seconds, setSeconds] = useState(0);
  const over = useRef(null);
  const stage = useRef(null);
  const shown = useRef(-1);
  const reached = useRef(0);
  const seek = useRef(() => {});
  useTitle(live?.title);
  useEffect(() => {
    document.documentElement.classList.add("watching");
    client.get(`/api/live/read/${id}`).then(({ data }) => setLive(data), setError);
    client.get(`/api/live/${id}/recordings`).then((found) => setRecordings(found.filter((r) => r.parts.length > 0).reverse()), setError);
    return () => document.documentElement.classList.remove("watching");
  }, [id]);
  const recorded = recordings?.length > 0;
  useEffect(() => {
    if (!recorded) return;
    let shown = true;
    const wanted = () => shown;
    const add = (/** @type {{ at: number }[]} */ more) => setFacts((/** @type {{ at: number }[]} */ had) => insert(had, more));
    Promise.all([
      readAlong((query) => client.get(`/api/live/${id}/replay/comments?${query}`), (comments) => add(comments.map((c) => ({ kind: "comment", id: c.id, user: c.user, text: c.content, at: new Date(c.at).getTime() }))), wanted, reached),
      readAlong((query) => client.get(`/api/live/${id}/replay/gifts?${query}`), (gifts) => add(gifts.map((g) => ({ kind: "gift", id: g.id, user: g.sender, gift: { id: g.gift, name: g.name, image: g.image }, num: g.num, at: new Date(g.at).getTime() }))), wanted, reached),
    ]).then(() => shown && setRead(true), (e) => shown && setError(e));
    return () => (shown = false);
  }, [recorded, id]);
  const recording = recordings?.[chosen];
  const at = useMemo(() => wallClock(recording?.parts ?? []), [recording]);
  const now = recording ? at(seconds) : 0;
  reached.current = now;
  const count = facts.findLastIndex((f) => f.at <= now) + 1;
  const lines = useMemo(() => facts.slice(Math.max(0, count - MOST), count), [facts, count]);
  useEffect(() => {
    if (!over.current) return;
    stage.current = new Stage(over.current);
    return () => stage.current.destroy();
  }, [recording?.id]);
  useEffect(() => {
    const from = shown.current;
    shown.current = count;
    if (from < 0 || count <= from || count - from > 8) return; // a jump
    for (const fact of facts.slice(from, count)) if (fact.kind === "comment" && settings.value.on) stage.current?.show(fact, false);
  }, [count]);
  if (error && !live) return html`<${Empty} title=${say(error)}><${BackHome} text=${t("home")} /><//>`;
  if (!live || !recordings) return html`<div class="watch ghost"><div class="watch-main"><div class="player"></div></div></div>`;
  return html`<div class="watch" data-seconds=${seconds.toFixed(1)} data-lines=${lines.length}><div class="watch-main">
    <div class="player">${recording ? html`<${Film} key=${recording.id} recording=${recording} live=${live} onTime=${setSeconds} seek=${seek} />` : html`<div class="player-cover"><${Cover} live=${live} /></div><div class="curtain"><p>${t("replay.none")}</p></div>`}
      <div key="flying" class="flying" ref=${over} aria-hidden="true"></div></div>
    <div class="facts"><${Avatar} user=${{ id: live.user.id, name: live.user.username, avatar: live.user.avatar }} size="large" /><div class="facts-text"><h1 dir="auto">${live.title}</h1><p><span dir="auto">${live.user.username}</span>${recording && html`<span>${time(recording.started_at)}</span><span>${clock(recording.duration_ms / 1000)}</span>`}</p></div></div>
    ${recordings.length > 1 && html`<div class="parts-list">${recordings.map((r, i) => html`<button type="button" key=${r.id} class=${"button " + (i === chosen ? "" : "quiet")} aria-pressed=${i === chosen} onClick=${() => { setChosen(i); setSeconds(0); }}>${time(r.started_at)}</button>`)}</div>`}
    </div>
    <aside class="chat"><div class="tabs"><h2 class="tabs-title">${t("chat")}</h2></div><${Sentence} error=${error} /><${Lines} lines=${lines} owner=${{ id: live.user_id }} empty=${t(read && facts.length === 0 ? "replay.chat.empty" : "replay.chat.waits")} /></aside></div>`;
}
