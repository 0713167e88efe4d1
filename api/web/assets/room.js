// What is known about a live that the user watches: the facts of the log as signals.
import { batch, signal } from "./vendor/ui.js";
import { client, joinedLives, regained } from "./state.js";

const MOST = 300; // lines of the chat that are kept

/**
 * A line of the chat.
 * @typedef {{ kind: "comment" } & import("./client.js").Comment | { kind: "gift" } & import("./client.js").GiftSent
 *   | { kind: "join", id: string, user: import("./client.js").User } | { kind: "joins", id: string, n: number } | { kind: "note", id: string, text: string, values: object }} Line
 */

/** bars reports whether an error says that the user may not be in a live: because of its access, or a ban. */
export const bars = (/** @type {import("./client.js").RoomlogError | null} */ error) => error !== null && (error.status === 403 || /^live_/.test(error.code) || error.code === "banned") && !["live_not_found", "live_not_started", "live_ended"].includes(error.code);

/** Room follows one live. With an account it joins the live; without, it reads it from time to time. */
export class Room {
  live = signal(/** @type {Pick<import("./client.js").LiveInfo, "id" | "title" | "cover"> | null} */ (null));
  owner = signal(/** @type {import("./client.js").User | null} */ (null));
  sign = signal("");
  key = signal("");
  lines = signal(/** @type {Line[]} */ ([])); // comments, gifts, joins and notes, oldest first
  moderators = signal(/** @type {number[]} */ ([])); // ids of users
  modes = signal(/** @type {import("./client.js").Mode[]} */ ([])); // what restricts comments: { mode, value, until }
  waiting = signal(0); // changes when the comments that wait for a review change
  held = signal(/** @type {{ held: number, text: string }[]} */ ([])); // own comments that wait for a review: { held, text }
  gauges = signal(/** @type {import("./client.js").Gauges | null} */ (null));
  viewers = signal(/** @type {import("./client.js").User[]} */ ([]));
  status = signal(/** @type {import("./client.js").Status} */ (0));
  media = signal(/** @type {import("./client.js").Media | null} */ (null));
  recorded = signal(false); // whether the next broadcast is recorded
  error = signal(/** @type {import("./client.js").RoomlogError | null} */ (null)); // why the live cannot be shown
  refused = signal(/** @type {import("./client.js").RoomlogError | null} */ (null)); // why the user may not be in it
  state = signal(/** @type {import("./client.js").LiveState} */ ("left"));
  onLine = (/** @type {Line} */ line) => {}; // called for each new comment and gift
  onRemove = (/** @type {(line: Line) => boolean} */ wanted) => {}; // called with a function that returns true for the comments that were removed

  #id; #joined = /** @type {import("./client.js").Live | null} */ (null); #off = []; #timer = 0; #seen = new Set(); #pending = /** @type {Line[]} */ ([]); #frame = 0; #late = 0;

  constructor(id) {
    this.#id = id;
    void this.read();
    this.#timer = setInterval(() => this.state.value !== "joined" && document.visibilityState !== "hidden" && this.read(), 5000);
  }

  /** read reads the live over REST: its address, and its state for visitors. */
  async read() {
    try {
      const { data, sign } = await client.get(`/api/live/read/${this.#id}`);
      batch(() => {
        this.key.value = data.key;
        if (sign && !this.sign.value) this.sign.value = sign;
        this.recorded.value = data.recorded;
        this.owner.value = { id: data.user.id, name: this.owner.value?.name ?? data.user.username, avatar: data.user.avatar };
        if (this.state.value === "joined") return;
        this.live.value = { id: data.id, title: data.title, cover: data.cover };
        this.status.value = data.status;
        this.modes.value = data.modes;
        this.moderators.value = data.moderators.map((user) => user.id);
        this.#setMedia(data.media && { ...data.media, since: data.media.started_at });
        this.gauges.value = { online: this.gauges.value?.online, look_count: data.look_count, coins: data.coin };
        this.error.value = null;
      });
      if (this.#joined && bars(this.refused.value)) this.enter(); // the live has become open to the user
    } catch (error) {
      if (!this.live.value || bars(error)) this.error.value = error;
    }
  }

  /** enter tries to join again: the user may be in the live now. */
  enter() {
    this.refused.value = null;
    if (this.#joined) this.#again();
    return this.newSign();
  }

  /** newSign reads a sign for the account that has just signed in. */
  newSign() {
    this.sign.value = "";
    return this.read();
  }

  /** join enters the live as the signed-in user. */
  join() {
    if (this.#joined) return;
    const live = client.live(this.#id);
    this.#joined = live;
    joinedLives.value++;
    const on = /** @type {typeof live.on} */ ((type, handler) => {
      const off = live.on(type, handler);
      this.#off.push(off);
      return off;
    });
    on("state", (state) => (this.state.value = state));
    on("snapshot", (snapshot) => {
      this.#apply(snapshot);
      regained.value = "renewed";
    });
    on("resumed", () => (regained.value = "resumed"));
    on("comment", (comment, { pos }) => {
      this.#add({ kind: "comment", ...comment, pos }, true);
      if (comment.user.id === client.user && this.held.value.length > 0) void this.readHeld(); // it may have been released
    });
    on("review", ({ waiting }) => (this.waiting.value = waiting));
    on("gift", (gift, { pos }) => this.#add({ kind: "gift", ...gift, pos }, true));
    on("comment.removed", ({ pos }) => this.#remove((comment) => comment.pos === pos));
    on("comments.cleared", ({ user }, { pos }) => this.#remove((comment) => comment.user.id === user && comment.pos < pos));
    const note = (pos, text, values) => this.#add({ kind: "note", id: "note-" + pos, text, values });
    on("refund", ({ user, coins }, { pos }) => note(pos, "note.refund", { name: user.name, n: coins }));
    on("muted", ({ user, muted }, { pos }) => note(pos, muted ? "note.muted" : "note.unmuted", { name: user.name }));
    on("mode", (change, { pos }) => {
      this.modes.value = [...this.modes.value.filter((m) => m.mode !== change.mode), ...(change.value ? [change] : [])];
      note(pos, "mode." + change.mode + (change.value ? "" : ".off"), { n: change.value });
    });
    this.#off.push(client.on("decision", ({ live: id, notice }) => id === this.#id && notice === "comment_dropped" && this.readHeld()));
    on("moderator", ({ user, moderator }) => {
      const others = this.moderators.value.filter((id) => id !== user.id);
      this.moderators.value = moderator ? [...others, user.id] : others;
    });
    on("join", ({ user }) => {
      this.viewers.value = [user, ...this.viewers.value.filter((v) => v.id !== user.id)].slice(0, 100);
      this.#add({ kind: "join", id: "join-" + user.id + "-" + performance.now(), user });
    });
    on("leave", ({ user }) => (this.viewers.value = this.viewers.value.filter((v) => v.id !== user.id)));
    on("join_batch", ({ joined, newest }) => {
      const ids = new Set(newest.map((v) => v.id));
      this.viewers.value = [...newest, ...this.viewers.value.filter((v) => !ids.has(v.id))].slice(0, 100);
      if (joined > 0) this.#add({ kind: "joins", id: "joins-" + performance.now(), n: joined });
    });
    on("viewer_profile", (user) => {
      const renew = (/** @type {Line} */ item) => ("user" in item && item.user.id === user.id ? { ...item, user } : item);
      batch(() => {
        this.lines.value = this.lines.value.map(renew);
        this.viewers.value = this.viewers.value.map((v) => (v.id === user.id ? user : v));
        if (this.owner.value?.id === user.id) this.owner.value = user;
      });
    });
    on("status", ({ status }) => (this.status.value = status));
    on("media", ({ media }) => this.#setMedia(media));
    on("gauges", (gauges) => (this.gauges.value = gauges));
    on("refused", (error) => {
      regained.value = "refused";
      if (error.code === "live_ended") this.status.value = 3;
      else if (error.code === "live_not_started") setTimeout(() => this.#joined && this.#again(), 5000);
      else this.refused.value = error;
    });
    live.join().catch(() => {}); // refused follows
  }

  #again() {
    this.leave();
    this.join();
  }

  leave() {
    for (const off of this.#off.splice(0)) off();
    if (this.#joined) joinedLives.value--;
    void this.#joined?.leave();
    this.#joined = null;
    this.state.value = "left";
  }

  async comment(text) {
    const reply = await this.#joined.comment(text);
    if (reply.held) this.held.value = [...this.held.value, { held: reply.held, text }];
    return reply;
  }

  /** readHeld reads the own comments that wait for a review. */
  async readHeld() {
    const found = await client.get(`/api/live/${this.#id}/review?limit=20`).catch(() => /** @type {Api.HistoryHeldComment} */ (null));
    if (found) this.held.value = found.items.filter((item) => item.user.id === client.user);
  }

  gift(gift, num, key) { return this.#joined.gift(gift, num, key); }

  destroy() {
    clearInterval(this.#timer);
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#late);
    this.leave();
  }

  #apply(/** @type {import("./client.js").Snapshot} */ { live, owner, gauges, comments, gifts, viewers, moderators, modes }) {
    const lines = [...comments.map((c) => ({ kind: /** @type {const} */ ("comment"), ...c })), ...gifts.map((g) => ({ kind: /** @type {const} */ ("gift"), ...g }))].sort((a, b) => a.pos - b.pos);
    this.#seen = new Set(lines.map((line) => line.id));
    this.#pending = [];
    batch(() => {
      this.live.value = live;
      this.owner.value = owner;
      this.gauges.value = gauges;
      this.status.value = live.status;
      this.#setMedia(live.media);
      this.viewers.value = viewers;
      this.moderators.value = moderators.map((user) => user.id);
      this.modes.value = modes;
      this.lines.value = lines;
      this.refused.value = null;
      this.error.value = null;
    });
    void this.readHeld();
  }

  // #setMedia keeps the object of a broadcast that is known: a new object restarts the player.
  #setMedia(/** @type {import("./client.js").Media | null} */ media) {
    if (media?.since !== this.media.value?.since) this.media.value = media;
  }

  // #remove removes comments from the screen, also those that are not shown yet.
  #remove(/** @type {(line: Extract<Line, { kind: "comment" }>) => boolean} */ wanted) {
    const gone = (/** @type {Line} */ line) => line.kind === "comment" && wanted(line);
    this.#pending = this.#pending.filter((line) => !gone(line));
    this.lines.value = this.lines.value.filter((line) => !gone(line));
    this.onRemove(gone);
  }

  // #add adds a line. Lines that arrive within one frame of the screen are shown together.
  #add(/** @type {Line} */ line, event = false) {
    if (this.#seen.has(line.id)) return;
    this.#seen.add(line.id);
    if (event) this.onLine(line);
    this.#pending.push(line);
    if (this.#pending.length > 2 * MOST) this.#pending.splice(0, MOST);
    if (this.#frame) return;
    const show = () => {
      if (!this.#frame) return;
      cancelAnimationFrame(this.#frame);
      clearTimeout(this.#late);
      this.#frame = 0;
      const all = [...this.lines.value, ...this.#pending.splice(0)].slice(-MOST);
      this.lines.value = all;
      if (this.#seen.size > 2 * MOST) this.#seen = new Set(all.map((l) => l.id));
    };
    this.#frame = requestAnimationFrame(show);
    this.#late = setTimeout(show, 250); // a page in the background has no frames
  }
}
