// The view of one live: picture, comments, gifts.
import { html, useEffect, useMemo, useRef, useState } from "./vendor/ui.js";
import { account, client, connection, notify, number, recall, say, short, t } from "./state.js";
import { Avatar, BackHome, Copy, Cover, Dialog, Empty, Icon, Lazy, copyText, useTimer, useTitle } from "./parts.js";
import { Chat } from "./chat.js";
import { Combos, Shelf } from "./gifts.js";
import { Player, wayText } from "./player.js";
import { FollowButton } from "./follow.js";
import { Room, bars } from "./room.js";
import { Stage, change, settings } from "./danmaku.js";

/** useRoom follows a live while the view is shown, and joins it when the user is signed in. */
export function useRoom(id, sign = true) {
  const room = useMemo(() => new Room(id), [id]);
  useEffect(() => () => room.destroy(), [room]);
  useEffect(() => {
    if (!account.value) {
      room.leave();
      return;
    }
    if (sign) void room.newSign();
    room.join();
  }, [room, account.value?.id]);
  return room;
}

const loadAccess = () => import("./access.js");

const wide = () => matchMedia("(min-width: 960px)").matches;

function Settings({ close }) {
  const { speed, opacity } = settings.value;
  return html`<${Dialog} title=${t("danmaku.settings")} close=${close} class="narrow">
    <div class="field"><label for="speed">${t("danmaku.speed")}</label><input id="speed" type="range" min="60" max="320" step="10" value=${speed} onInput=${(e) => change({ speed: Number(e.target.value) })} /></div>
    <div class="field"><label for="opacity">${t("danmaku.opacity")}</label><input id="opacity" type="range" min="0.2" max="1" step="0.05" value=${opacity} onInput=${(e) => change({ opacity: Number(e.target.value) })} /></div>
  <//>`;
}

function Controls(/** @type {Api.Props<{ player: Player }>} */ { player, box, video }) {
  const [open, setOpen] = useState(false);
  const full = async () => {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (box.current.requestFullscreen) await box.current.requestFullscreen().catch(() => {});
    else video.current.webkitEnterFullscreen?.();
  };
  const pip = () => (document.pictureInPictureElement ? document.exitPictureInPicture() : video.current.requestPictureInPicture()).catch(() => {});
  const playing = player.state.value !== "paused";
  const behind = player.latency.value;
  return html`<div class="controls">
    <button type="button" class="control" aria-label=${t(playing ? "pause" : "play")} onClick=${() => player.toggle()}><${Icon} name=${playing ? "pause" : "play"} solid /></button>
    <button type="button" class="control" aria-label=${t(player.muted.value ? "unmute" : "mute")} onClick=${() => player.setMuted(!player.muted.value)}><${Icon} name=${player.muted.value ? "mute" : "sound"} /></button>
    <input class="volume" type="range" min="0" max="1" step="0.05" aria-label=${t("volume")} value=${player.muted.value ? 0 : player.volume.value} onInput=${(e) => player.setVolume(Number(e.target.value))} />
    ${behind !== null && html`<button type="button" class=${"way" + (behind > 4 ? " late" : "")} onClick=${() => player.toLive()} title=${t("to.live")}><span class="dot"></span><span class="way-protocol">${player.protocol} · </span>${t("latency", { s: behind.toFixed(1) })}</button>`}
    <span class="gap"></span>
    <button type="button" class="control" aria-label=${t("danmaku")} aria-pressed=${settings.value.on} onClick=${() => change({ on: !settings.value.on })}><${Icon} name="danmaku" /></button>
    <button type="button" class="control" aria-label=${t("danmaku.settings")} onClick=${() => setOpen(true)}><${Icon} name="settings" /></button>
    ${document.pictureInPictureEnabled && html`<button type="button" class="control" aria-label=${t("pip")} onClick=${pip}><${Icon} name="pip" /></button>`}
    <button type="button" class="control" aria-label=${t("fullscreen")} onClick=${full}><${Icon} name="full" /></button>
    ${open && html`<${Settings} close=${() => setOpen(false)} />`}
  </div>`;
}

// curtain returns the sentence that covers the picture, or "".
function curtain(/** @type {Room} */ room, /** @type {Player | null} */ player) {
  switch (room.status.value) {
    case 0: return "video.notstarted";
    case 3: return "video.ended";
  }
  if (room.refused.value) return "left.because";
  if (room.status.value === 2 && !room.media.value) return "video.paused";
  if (!room.media.value) return "video.waiting";
  if (player?.state.value === "failed") return player.why.value === "why.network" ? "video.retry" : "video.unsupported";
  return "";
}

const replayEvery = 5000; // ms between two readings of recordings that are not finished

// ReplayLink leads to the replay of a live that has ended, if it was recorded.
function ReplayLink({ id }) {
  const [recordings, setRecordings] = useState(/** @type {Api.Recording[]} */ ([]));
  const read = () => client.get(`/api/live/${id}/recordings`).then(setRecordings, () => {});
  const running = recordings.some((recording) => recording.status === "recording");
  useEffect(() => void read(), [id]);
  useTimer(() => running && read(), replayEvery, [id, running]);
  if (recordings.some((recording) => recording.parts.length > 0)) return html`<a class="button" href=${"/replay/" + id}>${t("past.watch")}</a>`;
  return running && html`<p class="soft">${t("replay.wait")}</p>`;
}

/** Picture is the video of a live with everything over it. */
export function Picture(/** @type {Api.Props<{ room: Room }>} */ { room, sounds = true }) {
  const box = useRef(null);
  const video = useRef(null);
  const over = useRef(null);
  const stage = useRef(null);
  const [player, setPlayer] = useState(/** @type {Player} */ (null));
  const media = room.media.value;
  const plays = Boolean(media && room.sign.value && room.status.value !== 3 && !room.refused.value);
  useEffect(() => {
    if (!plays) return;
    if (!sounds) video.current.muted = true;
    const created = new Player(video.current, { key: room.key.value, sign: room.sign.value, media });
    if (!sounds) video.current.muted = true;
    setPlayer(created);
    return () => {
      created.destroy();
      setPlayer(null);
    };
  }, [plays, room.sign.value, media?.since]);
  useEffect(() => {
    stage.current = new Stage(over.current);
    room.onLine = (line) => line.kind === "comment" && stage.current?.show(line, line.user.id === account.value?.id);
    room.onRemove = (wanted) => stage.current?.remove(wanted);
    return () => {
      room.onLine = room.onRemove = () => {};
      stage.current.destroy();
      stage.current = null;
    };
  }, [room]);
  useEffect(() => stage.current?.setOn(settings.value.on), [settings.value.on]);
  useEffect(() => {
    over.current.style.setProperty("--opacity", settings.value.opacity);
  }, [settings.value.opacity]);
  const text = curtain(room, player);
  const why = player && wayText(player, media?.video);
  return html`<div class="player" ref=${box}>
    ${!player || text || player.audioOnly.value ? html`<div key="cover" class="player-cover">${room.live.value && html`<${Cover} live=${room.live.value} />`}</div>` : ""}
    <video key="video" ref=${video} playsinline disableremoteplayback aria-label=${room.live.value?.title}></video>
    <div key="flying" class="flying" ref=${over} aria-hidden="true"></div>
    <${Combos} room=${room} />
    ${text && html`<div class="curtain"><p>${t(text, { codec: media?.video || media?.audio })}</p>${room.status.value === 3 && html`<${ReplayLink} id=${room.live.value.id} />`}</div>`}
    ${!text && player && ["waiting", "buffering"].includes(player.state.value) && html`<div class="spinner" role="status"><span class="visually-hidden">${t("video.buffering")}</span></div>`}
    ${!text && player?.blocked.value && html`<button type="button" class="big-play" onClick=${() => player.toggle()}><${Icon} name="play" solid /><span>${t("tap.play")}</span></button>`}
    ${!text && player && player.muted.value && !recall("muted") && sounds && html`<button type="button" class="tap-sound" onClick=${() => player.setMuted(false)}><${Icon} name="mute" />${t("tap.sound")}</button>`}
    ${!text && why && !player.audioOnly.value && html`<p class="way-why">${why}</p>`}
    ${!text && player?.audioOnly.value && html`<p class="way-why stays">${t("video.audio")}</p>`}
    ${!text && player && html`<${Controls} player=${player} box=${box} video=${video} />`}
  </div>`;
}

function Facts(/** @type {Api.Props<{ room: Room }>} */ { room }) {
  const live = room.live.value;
  const owner = room.owner.value;
  const gauges = room.gauges.value;
  const [link, setLink] = useState(""); // that the browser could not copy
  const share = async () => {
    const url = location.origin + "/watch/" + live.id;
    if (navigator.share && matchMedia("(pointer: coarse)").matches) await navigator.share({ title: live.title, url }).catch(() => {});
    else if (await copyText(url)) notify(t("share.done"), "good");
    else setLink(url);
  };
  return html`<div class="facts"><${Avatar} user=${owner} size="large" />
    <div class="facts-text"><h1 dir="auto">${live.title}</h1><p><span dir="auto">${owner.name}</span>
      ${gauges?.online !== undefined && html`<span class="facts-number"><${Icon} name="people" /><span data-online>${t("watching", { n: short(gauges.online) })}</span></span>`}
      <span class="facts-number"><${Icon} name="eye" />${t("seen", { n: short(gauges?.look_count) })}</span><span class="facts-number"><${Icon} name="coin" /><span data-coins>${t("coins", { n: short(gauges?.coins) })}</span></span></p></div>
    <${FollowButton} streamer=${owner.id} />
    <button type="button" class="button quiet share" aria-label=${t("share")} onClick=${share}><${Icon} name="share" /><span>${t("share")}</span></button>
    ${link && html`<${Dialog} title=${t("share")} close=${() => setLink("")} class="narrow"><${Copy} label=${t("copy.by.hand")} name="Link" value=${link} /><//>`}</div>`;
}

export default function Watch({ id }) {
  const room = useRoom(id);
  const [shelf, setShelf] = useState(false);
  const [isWide, setWide] = useState(wide);
  useTitle(room.live.value?.title);
  useEffect(() => {
    const query = matchMedia("(min-width: 960px)");
    const change = () => setWide(wide());
    query.addEventListener("change", change);
    document.documentElement.classList.add("watching");
    return () => {
      query.removeEventListener("change", change);
      document.documentElement.classList.remove("watching");
    };
  }, []);
  const barred = [room.error.value, room.refused.value].find((error) => error && bars(error) && (error.code !== "banned" || !room.live.value));
  if (barred) return html`<${Lazy} load=${loadAccess} name="Gate" id=${id} error=${barred} entered=${() => room.enter()} />`;
  if (room.error.value) return html`<${Empty} title=${say(room.error.value)}><${BackHome} text=${t("home")} /><//>`;
  if (!room.live.value) return html`<div class="watch ghost"><div class="watch-main"><div class="player"></div></div></div>`;
  return html`<div class="watch" data-state=${room.state.value} data-connection=${connection.value}>
    <div class="watch-main"><${Picture} room=${room} /><${Facts} room=${room} />${isWide && room.status.value !== 3 && html`<${Shelf} room=${room} />`}</div>
    <${Chat} room=${room} canWrite=${room.status.value !== 3} shelf=${isWide ? null : () => setShelf(true)} />
    ${shelf && !isWide && html`<${Dialog} title=${t("gifts")} close=${() => setShelf(false)} class="sheet"><${Shelf} room=${room} /><//>`}
  </div>`;
}

