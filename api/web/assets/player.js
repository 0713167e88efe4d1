// The video of a live: plays FLV with mpegts.js and HLS with hls.js or natively, falls back by itself, and follows the live.
import { signal } from "./vendor/ui.js";
import { mediaURL, recall, remember, t } from "./state.js";

const STALL = 8000; // ms without progress after which the next way is tried
const CATCH_UP = 3; // seconds behind at which playback is faster
const JUMP = 12; // seconds behind at which playback jumps

const names = { flv: "HTTP-FLV", "ws-flv": "WS-FLV", hls: "HLS", native: "HLS" };
const events = ["playing", "resize", "waiting", "pause", "volumechange", "timeupdate"]; // of the video element

/** storedVolume returns the volume that the user has chosen in this browser, from 0 to 1. */
export const storedVolume = () => Number(recall("volume") || 1);

// mpegts.js rejects a promise that nobody can handle when a stream ends while its player is being destroyed.
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Error) && /Exception$/.test(event.reason?.name ?? "")) event.preventDefault();
});

/** Player plays a live in a video element. Its signals describe what happens. */
export class Player {
  way = signal(""); // how the stream is played: flv, ws-flv, hls, native
  why = signal(""); // why it is not played in the first way
  state = signal("waiting"); // waiting, playing, buffering, paused; failed: no way has succeeded, and the ways are tried again
  latency = signal(null); // seconds behind the newest picture that has arrived
  muted = signal(false);
  volume = signal(1);
  blocked = signal(false); // the browser permits playing only after a press
  audioOnly = signal(false);

  #video; #key; #sign; /** @type {import("./client.js").Media | null} */ #media; #engine = null; #ways = []; #timer = 0; #moved = 0; #at = -1; #attempt = 0; #run = 0; #userPaused = false; #starting = false;

  constructor(video, /** @type {{ key: string, sign: string, media: import("./client.js").Media | null }} */ { key, sign, media }) {
    this.#video = video;
    this.#key = key;
    this.#sign = sign;
    this.#media = media;
    video.volume = storedVolume();
    video.muted = recall("muted") === "yes";
    for (const type of events) video.addEventListener(type, this);
    this.handleEvent({ type: "volumechange" });
    this.#timer = setInterval(() => this.#tend(), 500);
    this.#restart();
  }

  get protocol() { return names[this.way.value] ?? ""; }

  /** destroy ends playback. Another Player may use the video at once. */
  destroy() {
    this.#run++; // nothing that is under way continues
    clearInterval(this.#timer);
    for (const type of events) this.#video.removeEventListener(type, this);
    this.#stopEngine();
  }

  toggle() {
    if (this.#video.paused) {
      this.#userPaused = false;
      this.blocked.value = false;
      this.toLive();
      void this.#play();
    } else {
      this.#userPaused = true;
      this.#video.pause();
    }
  }

  setMuted(muted) {
    this.#video.muted = muted;
    if (!muted && this.#video.volume === 0) this.#video.volume = 0.5;
    remember("muted", muted ? "yes" : "");
  }

  setVolume(value) {
    this.#video.volume = value;
    this.#video.muted = value === 0;
    remember("volume", String(value));
    remember("muted", value === 0 ? "yes" : "");
  }

  /** toLive jumps to the newest picture. */
  toLive() {
    const { buffered } = this.#video;
    if (buffered.length) this.#video.currentTime = Math.max(this.#video.currentTime, buffered.end(buffered.length - 1) - 0.6);
  }

  handleEvent({ type }) {
    const video = this.#video;
    if (type === "volumechange") {
      this.muted.value = video.muted;
      this.volume.value = video.volume;
    } else if (type === "playing") {
      this.state.value = "playing";
      this.blocked.value = false;
      this.audioOnly.value = video.videoWidth === 0 && !this.#media?.video;
    } else if (type === "resize" && video.videoWidth > 0) this.audioOnly.value = false; // pictures have begun late
    else if (type === "waiting" && this.state.value === "playing") this.state.value = "buffering";
    else if (type === "pause") this.#wait("paused");
    else if (type === "timeupdate") this.#moved = performance.now();
  }

  #address(file, protocol = "http") { return mediaURL.replace(/^http/, protocol) + "/live/" + this.#key + file + "?sign=" + encodeURIComponent(this.#sign); }

  // #plan returns the ways to play in the order in which they are tried.
  #plan() {
    const mse = globalThis.ManagedMediaSource || globalThis.MediaSource;
    const native = this.#video.canPlayType("application/vnd.apple.mpegurl") !== "";
    if (!mse) {
      this.why.value = "why.nomse";
      return native ? ["native"] : [];
    }
    const flv = !this.#media?.video || /^(h264|avc|hevc|h265)$/i.test(this.#media.video);
    if (!flv) this.why.value = "why.codec";
    return [...(flv ? ["flv", "ws-flv"] : []), "hls", ...(native ? ["native"] : [])];
  }

  #restart() {
    this.#ways = this.#plan();
    if (this.#ways.length) void this.#start(this.#ways[0]);
    else this.state.value = "failed";
  }

  async #start(way) {
    const run = ++this.#run;
    this.#stopEngine();
    this.way.value = way;
    this.#moved = performance.now();
    this.#wait("waiting");
    try {
      const library = await (way === "native" ? null : way === "hls" ? import("./vendor/hls.js") : import("./vendor/mpegts.js"));
      if (run !== this.#run) return; // the video may belong to another engine by now
      this.#engine = way === "native" ? this.#native(run) : way === "hls" ? this.#hls(library.default, run) : this.#flv(library.default, way, run);
    } catch {
      this.#failed(run, "why.network");
      return;
    }
    if (run !== this.#run) { // it has failed at once
      this.#stopEngine();
      return;
    }
    if (!this.#userPaused) void this.#play();
  }

  async #play() {
    if (this.#starting) return;
    this.#starting = true;
    const { muted } = this.#video;
    try {
      await this.#video.play();
    } catch (error) {
      if (error.name !== "NotAllowedError") return; // a new source has interrupted it: #tend tries again
      if (muted) this.blocked.value = true;
      else this.#video.muted = true; // most browsers permit playing without sound: #tend tries again
    } finally {
      this.#starting = false;
    }
  }

  #flv(mpegts, way, run) {
    mpegts.LoggingControl.enableAll = false;
    const player = mpegts.createPlayer(
      { type: "flv", isLive: true, url: way === "flv" ? this.#address(".flv") : this.#address(".flv", "ws") }, // the file announces the tracks that it has now, #media those of the beginning
      { enableWorker: false, enableStashBuffer: false, lazyLoad: false, autoCleanupSourceBuffer: true, autoCleanupMaxBackwardDuration: 30, autoCleanupMinBackwardDuration: 15, fixAudioTimestampGap: true },
    );
    // mpegts.js must not be destroyed in its own events.
    const reload = () => setTimeout(() => run === this.#run && this.#later(way, 0));
    let size = "", oneTrack; // oneTrack: whether playback has begun with sound or pictures alone
    player.on(mpegts.Events.ERROR, (kind, detail) => {
      if (oneTrack && detail === mpegts.ErrorDetails.MEDIA_MSE_ERROR) reload(); // browsers cannot add a track: sound or pictures have begun late
      else this.#failed(run, kind === mpegts.ErrorTypes.MEDIA_ERROR ? "why.media" : "why.network");
    });
    player.on(mpegts.Events.LOADING_COMPLETE, () => this.#failed(run, "why.network"));
    player.on(mpegts.Events.MEDIA_INFO, ({ width, height, hasAudio, hasVideo }) => {
      const now = width + "×" + height;
      if (size && size !== now) reload(); // mpegts.js never shows pictures of another size
      size = now;
      oneTrack ??= !(hasAudio && hasVideo);
    });
    player.attachMediaElement(this.#video);
    player.load();
    return player;
  }

  #hls(Hls, run) {
    const player = new Hls({ enableWorker: false, lowLatencyMode: true, backBufferLength: 30, liveDurationInfinity: true });
    player.on(Hls.Events.ERROR, (_, data) => data.fatal && this.#failed(run, data.type === Hls.ErrorTypes.MEDIA_ERROR ? "why.media" : "why.network"));
    player.loadSource(this.#address("/index.m3u8"));
    player.attachMedia(this.#video);
    return player;
  }

  #native(run) {
    const video = this.#video;
    const failed = () => this.#failed(run, video.error?.code === MediaError.MEDIA_ERR_NETWORK ? "why.network" : "why.media");
    video.addEventListener("error", failed);
    video.src = this.#address("/index.m3u8");
    return {
      destroy() {
        video.removeEventListener("error", failed);
        video.removeAttribute("src");
        video.load();
      },
    };
  }

  // #wait changes the state unless people are told that nothing has succeeded: that stays until something plays.
  #wait(state) {
    if (this.state.value !== "failed") this.state.value = state;
  }

  #stopEngine() {
    const engine = this.#engine;
    this.#engine = null;
    try {
      engine?.destroy();
    } catch {
      // it has failed
    }
  }

  // #failed tries the next way, or after all of them the first way again after a delay.
  #failed(run, why) {
    if (run !== this.#run) return;
    const at = this.#ways.indexOf(this.way.value);
    this.why.value = why;
    if (why === "why.network" && this.#at > 0 && this.#attempt < 2) { // it has played: the connection is tried again first
      this.#attempt++;
      this.#later(this.way.value, 1000);
    } else if (this.way.value === "native" && this.#attempt < 3) { // Chromium fails at a playlist with one segment: the next attempt has more
      this.#attempt++;
      this.#later("native", 1000);
    } else if (at + 1 < this.#ways.length) this.#later(this.#ways[at + 1], 300);
    else {
      this.state.value = "failed";
      this.#later(this.#ways[0], 3000);
    }
  }

  #later(way, delay) {
    const run = ++this.#run;
    this.#stopEngine();
    this.#wait("buffering");
    setTimeout(() => run === this.#run && this.#start(way), delay);
  }

  // #tend keeps playback near the live, and notices that nothing moves.
  #tend() {
    const video = this.#video;
    const { buffered } = video;
    const end = buffered.length ? buffered.end(buffered.length - 1) : 0;
    if (video.currentTime !== this.#at) {
      if (this.#at >= 0 && video.currentTime > this.#at) this.#attempt = 0;
      this.#at = video.currentTime;
      this.#moved = performance.now();
    }
    if (this.state.value === "playing" && end > 0) {
      const behind = end - video.currentTime;
      this.latency.value = behind;
      if (behind > JUMP) this.toLive();
      video.playbackRate = behind > CATCH_UP ? 1.1 : 1;
    }
    if (buffered.length && video.currentTime < buffered.start(0) - 0.1) video.currentTime = buffered.start(0) + 0.1; // the first picture, or the one after a gap
    if (video.paused && this.#engine && video.readyState >= 2 && !this.#userPaused && !this.blocked.value) void this.#play();
    const still = performance.now() - this.#moved;
    if (this.#userPaused || this.blocked.value || still < (end === 0 ? 2 * STALL : STALL) || !this.#engine) return; // the first picture may take longer
    this.#failed(this.#run, "why.network");
  }
}

/** wayText explains how and why a stream is played. */
export function wayText(/** @type {Player} */ player, codec) {
  if (!player.why.value || !player.way.value) return "";
  return t("video.fallback", { now: player.protocol, why: t(player.why.value, { codec }) });
}
