// The studio: create a live, connect an encoder, go on air, and watch its health.
import { html, useEffect, useRef, useState } from "./vendor/ui.js";
import { account, asking, client, go, notify, number, options, say, t } from "./state.js";
import { newKey } from "./client.js";
import { Action, Copy, Cover, Dialog, Empty, Icon, Sentence, Tabs, When, useTimer, useTitle } from "./parts.js";
import AccessSettings, { AccessFields, MinAgeField, accessOf, minAgeOf } from "./access.js";
import { Chat } from "./chat.js";
import { Chart } from "./chart.js";
import { LiveTickets } from "./tickets.js";
import { Restream } from "./restream.js";
import { sizeOf } from "./sample.js";
import { Picture, useRoom } from "./watch.js";

const rtmp = () => "rtmp://" + location.hostname + ":" + (options.rtmp_port || 1935) + "/live";
const statusName = ["notstarted", "onair", "paused", "ended"];

/** upload uploads a picture and returns its address. */
async function upload(blob, name) {
  const form = new FormData();
  form.append("file", blob, name);
  return client.post("/api/upload", form);
}

function Create({ done }) {
  const [error, setError] = useState(null);
  const [cover, setCover] = useState("");
  const [key] = useState(newKey);
  const choose = async (event) => {
    const file = event.target.files[0];
    if (!file) return;
    setError(null);
    try {
      setCover(await upload(file, file.name));
    } catch (e) {
      setError(e);
    }
  };
  const create = async (event) => {
    event.preventDefault();
    setError(null);
    try {
      const form = new FormData(event.target);
      const made = await client.post("/api/live/create", { title: form.get("title"), cover, ...accessOf(form), ...(minAgeOf(form) > 0 && { min_age: minAgeOf(form) }) }, { key });
      done(made.data.id);
    } catch (e) {
      setError(e);
    }
  };
  return html`<form class="panel" onSubmit=${create}><h2>${t("studio.new")}</h2>
    <div class="field"><label for="title">${t("studio.title")}</label><input id="title" name="title" required maxlength="100" dir="auto" autocomplete="off" /></div>
    <div class="field"><label for="cover">${t("studio.cover")}</label><div class="cover-row">${cover && html`<span class="cover-small"><${Cover} live=${{ title: "", cover }} /></span>`}<input id="cover" type="file" accept="image/jpeg,image/png,image/gif,image/webp" onChange=${choose} /></div><p class="soft hint">${t("studio.cover.hint")}</p></div>
    <${AccessFields} /><${MinAgeField} />
    <${Sentence} error=${error} />
    <button class="button">${t("studio.create")}</button></form>`;
}

function Own() {
  const [lives, setLives] = useState(/** @type {Api.FoundLive[]} */ (null));
  const [error, setError] = useState(null);
  useTitle(t("studio"));
  useEffect(() => {
    client.get("/api/live/find?of=own").then((found) => setLives(found.items), setError);
  }, [account.value?.id]);
  return html`<section class="page narrow-page"><div class="page-head"><h1>${t("studio")}</h1></div>
    <${Create} done=${(id) => go("/studio/" + id)} />
    <${Sentence} error=${error} />
    ${lives?.length > 0 && html`<h2>${t("studio.own")}</h2><ul class="panel flush own">${lives.map((live) => html`<li key=${live.id}><a href=${"/studio/" + live.id}><span class="cover-small"><${Cover} live=${live} fresh /></span>
      <span class="card-lines"><strong dir="auto">${live.title}</strong><span>${t(statusName[live.status])} · ${t("seen", { n: number(live.look_count) })} · ${t("coins", { n: number(live.coin) })}</span></span><${Icon} name="play" /></a></li>`)}</ul>`}
  </section>`;
}

/** QRCode shows a text for the camera of a phone. */
function QRCode({ text }) {
  const [modules, setModules] = useState(null);
  useEffect(() => {
    import("./vendor/qrcode.js").then(({ default: qrcode }) => {
      const code = qrcode(0, "M");
      code.addData(text);
      code.make();
      const n = code.getModuleCount();
      let path = "";
      for (let y = 0; y < n; y++) for (let x = 0; x < n; x++) if (code.isDark(y, x)) path += `M${x + 4} ${y + 4}h1v1h-1z`;
      setModules({ size: n + 8, path });
    });
  }, [text]);
  return modules && html`<svg class="qr" viewBox=${`0 0 ${modules.size} ${modules.size}`} role="img" aria-label=${t("studio.qr")}><path d=${modules.path} /></svg>`;
}

function Encoder(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room }) {
  const [publishKey, setPublishKey] = useState("");
  const [error, setError] = useState(null);
  const live = room.live.value;
  const streamKey = publishKey || room.key.value + "?sign=" + room.sign.value;
  const renew = async () => {
    try {
      setPublishKey((await client.post("/api/live/publish_key", { id: live.id })).stream_key);
      notify(t("studio.key.new"), "good");
    } catch (e) {
      setError(e);
    }
  };
  return html`<section class="panel"><h2>${t("studio.encoder")}</h2><p class="soft">${t("studio.encoder.text")}</p>
    <div class="encoder"><div><${Copy} label=${t("studio.server")} name="Server" value=${rtmp()} /><${Copy} label=${t("studio.key")} name="Stream-key" value=${streamKey} secret />
      <${Sentence} error=${error} /><${Action} class="quiet" run=${renew}>${t("studio.key.permanent")}<//></div>
      <figure><${QRCode} text=${rtmp() + "/" + streamKey} /><figcaption class="soft hint">${t("studio.qr")}</figcaption></figure></div></section>`;
}

function Controls(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room, reload }) {
  const [stopping, setStopping] = useState(false);
  const live = room.live.value;
  const status = room.status.value;
  const stop = status === 0 ? "studio.cancel" : "studio.stop";
  const change = async (type) => {
    try {
      await client.post("/api/live/changestatus", { id: live.id, type }, { key: newKey() });
      setStopping(false);
      await reload();
    } catch (e) {
      notify(say(e), "bad");
    }
  };
  const record = async (event) => {
    const on = event.target.checked;
    try {
      await client.post("/api/live/record", { id: live.id, on }, { key: newKey() });
      await reload();
      if (on && !room.recorded.value) notify(t("studio.record.off"), "bad");
      else if (room.media.value) notify(t("studio.record.next"));
    } catch (e) {
      notify(say(e), "bad");
    }
    event.target.checked = room.recorded.value;
  };
  return html`<div class="studio-controls">
    ${status !== 1 && status !== 3 && html`<${Action} class="accent" run=${() => change("play")}><${Icon} name="live" />${t(status === 2 ? "studio.resume" : "studio.start")}<//>`}
    ${status === 1 && html`<${Action} class="quiet" run=${() => change("pause")}><${Icon} name="pause" />${t("studio.pause")}<//>`}
    ${status !== 3 && html`<button type="button" class="button danger" onClick=${() => setStopping(true)}><${Icon} name="stop" />${t(stop)}</button>`}
    ${status !== 3 && html`<label class="check"><input id="record" type="checkbox" role="switch" checked=${room.recorded.value} onChange=${record} />${t("studio.record")}</label>`}
    <span class="gap"></span><a class="button quiet" href=${"/watch/" + live.id}><${Icon} name="eye" />${t("studio.open")}</a>
    ${stopping && html`<${Dialog} title=${t(stop + ".title")} close=${() => setStopping(false)} class="narrow"><p>${t(stop + ".text")}</p><div class="row"><button type="button" class="button quiet" onClick=${() => setStopping(false)}>${t("back")}</button><${Action} class="danger" run=${() => change("stop")}>${t(stop)}<//></div><//>`}
  </div>`;
}

const kept = 150; // samples of the charts

function Health({ id }) {
  const [now, setNow] = useState(/** @type {Api.Stream} */ (null));
  const [samples, setSamples] = useState(/** @type {{ at: number, bitrate: number, rate: number, key: number, gaps: number, players: number }[]} */ ([]));
  const last = useRef(null);
  const read = async () => {
    const streams = await client.get("/api/streams").catch(() => /** @type {Api.Stream[]} */ (null));
    const stream = streams?.find((s) => s.live === id) ?? null;
    setNow(stream);
    if (!stream) return;
    const at = Date.now() / 1000;
    const before = last.current;
    last.current = { gaps: stream.skips + stream.drops };
    if (!before) return;
    setSamples((all) => [...all, { at, bitrate: stream.bitrate / 1000, rate: stream.gop_ms > 0 ? (stream.gop * 1000) / stream.gop_ms : null, key: stream.gop_ms / 1000, gaps: Math.max(0, stream.skips + stream.drops - before.gaps), players: Object.values(stream.players).reduce((a, b) => a + b, 0) }].slice(-kept));
  };
  useEffect(() => void read(), [id]);
  useTimer(read, 2000, [id]);
  if (!now) return html`<section class="panel"><h2>${t("studio.health")}</h2><p class="soft">${t("studio.health.none")}</p></section>`;
  const series = (key) => [samples.map((s) => s.at), samples.map((s) => s[key])];
  return html`<section class="panel"><h2>${t("studio.health")}</h2>
    <dl class="tiles"><div><dt>${t("studio.bitrate")}</dt><dd>${number(Math.round(now.bitrate / 1000))} kbit/s</dd></div><div><dt>${t("studio.keyframes")}</dt><dd>${(now.gop_ms / 1000).toFixed(1)} s</dd></div>
      <div><dt>${t("studio.size")}</dt><dd>${sizeOf(now.media)}</dd></div><div><dt>${t("studio.players")}</dt><dd>${number(Object.values(now.players).reduce((a, b) => a + b, 0))}</dd></div><div><dt>${t("studio.skips")}</dt><dd>${number(now.skips + now.drops)}</dd></div></dl>
    ${!now.publishing && html`<p class="sentence bad" role="alert">${t("studio.lost")}</p>`}
    ${now.gop_ms > 4000 && html`<p class="sentence bad">${t("studio.keyframes.long")}</p>`}
    <div class="charts"><${Chart} title=${t("studio.bitrate")} unit="kbit/s" data=${series("bitrate")} /><${Chart} title=${t("studio.rate")} unit="/s" data=${series("rate")} /><${Chart} title=${t("studio.keyframes")} unit="s" data=${series("key")} /><${Chart} title=${t("studio.skips")} unit="" whole data=${series("gaps")} /><${Chart} title=${t("studio.players")} unit="" whole data=${series("players")} /></div></section>`;
}

function Gifts({ id, coins }) {
  const [gifts, setGifts] = useState(/** @type {Api.SentGift[]} */ ([]));
  const [error, setError] = useState(null);
  useEffect(() => {
    client.get(`/api/gift/history?limit=50&live=${id}`).then((found) => setGifts(found.items), setError);
  }, [id, coins]);
  return html`<section class="panel"><h2>${t("studio.gifts")}</h2><${Sentence} error=${error} />
    ${gifts.length === 0 ? html`<p class="soft">${t("studio.gifts.none")}</p>` : html`<div class="table" tabindex="0" role="region" aria-label=${t("studio.gifts")}><table><thead><tr><th>${t("when")}</th><th>${t("studio.who")}</th><th>${t("gifts")}</th><th class="end">${t("studio.coins")}</th></tr></thead><tbody>
      ${gifts.map((g) => html`<tr key=${g.id}><td><${When} at=${g.at} /></td><td dir="auto">${g.sender.name}</td><td dir="auto">${g.name} ×${number(g.num)}</td><td class="end">${number(g.coin)}</td></tr>`)}</tbody></table></div>`}</section>`;
}

function One({ id }) {
  const room = useRoom(id);
  const [tab, setTab] = useState("stream");
  const live = room.live.value;
  useTitle(live?.title ?? t("studio"));
  if (room.error.value) return html`<${Empty} title=${say(room.error.value)}><a class="button" href="/studio">${t("studio")}</a><//>`;
  if (!live || !room.sign.value && room.status.value !== 3) return null;
  if (room.owner.value && room.owner.value.id !== account.value.id) return html`<${Empty} title=${t("error.forbidden")}><a class="button" href="/studio">${t("studio")}</a><//>`;
  return html`<div class="watch studio"><div class="watch-main">
    <div class="studio-head"><a class="round" href="/studio" aria-label=${t("back")}><${Icon} name="back" /></a><h1 dir="auto">${live.title}</h1><span class=${"tag state-" + room.status.value}>${t(statusName[room.status.value])}</span></div>
    <${Picture} room=${room} sounds=${false} />
    <${Controls} room=${room} reload=${() => room.read()} />
    <${Tabs} label=${t("studio")} now=${tab} choose=${setTab} tabs=${[{ id: "stream", text: t("studio.health") }, { id: "encoder", text: t("studio.encoder") }, { id: "restream", text: t("restream") }, { id: "access", text: t("access") }, { id: "tickets", text: t("tickets") }, { id: "gifts", text: t("studio.gifts") }]} />
    <div class="studio-part">${tab === "stream" ? html`<${Health} id=${id} />` : tab === "encoder" ? html`<${Encoder} room=${room} />` : tab === "restream" ? html`<${Restream} id=${id} status=${room.status.value} />` : tab === "access" ? html`<${AccessSettings} id=${id} />` : tab === "tickets" ? html`<${LiveTickets} id=${id} status=${room.status.value} />` : html`<${Gifts} id=${id} coins=${room.gauges.value?.coins} />`}</div>
  </div><${Chat} room=${room} canWrite=${room.status.value !== 3} /></div>`;
}

export default function Studio({ id }) {
  useEffect(() => {
    if (!account.value && !client.token) asking.value = "studio";
  }, [account.value]);
  if (!account.value) return html`<${Empty} icon="live" title=${t("why.studio")}><button type="button" class="button" onClick=${() => (asking.value = "studio")}>${t("signin")}</button><//>`;
  return id ? html`<${One} key=${id} id=${id} />` : html`<${Own} />`;
}
