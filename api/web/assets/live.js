// A live in which the client is, and what it shares with client.js: errors, events and keys.

const ACK_PAUSE = 1000; // ms between a gift and its acknowledgement, which also acknowledges the gifts in between

/** RoomlogError is a refusal of the server, or a failure of the connection. `code` is for programs, the texts are for people. */
export class RoomlogError extends Error {
  constructor(code, text, { textZH = text, retryAfter = 0, status = 0, until = "" } = {}) {
    super(text);
    this.name = "RoomlogError";
    this.code = code;
    this.textZH = textZH;
    this.retryAfter = retryAfter; // ms, 0 if the server names none
    this.status = status; // HTTP status, 0 for WebSocket
    this.until = until; // time from which the same request is accepted, "" if the server names none
  }
}

/** Emitter calls handlers of events. */
export class Emitter {
  #handlers = new Map();
  /** on calls handler for each event of a type, and returns a function that ends this. */
  on(type, handler) {
    if (!this.#handlers.has(type)) this.#handlers.set(type, new Set());
    this.#handlers.get(type).add(handler);
    return () => this.#handlers.get(type)?.delete(handler);
  }
  emit(type, ...args) {
    for (const handler of [...(this.#handlers.get(type) ?? [])]) handler(...args);
  }
}

/** newKey returns a random idempotency key. */
export function newKey() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** Live is one live in which the client is. Its pushes are events: comment, gift, join, leave, status, media, gauges and others. */
export class Live extends Emitter {
  #client; #forgotten; #have = 0; #cursor = ""; #wanted = false; #joining = false; #waiting = []; #acknowledging = 0;

  constructor(client, id, forgotten) {
    super();
    this.#client = client;
    this.#forgotten = forgotten;
    this.id = id;
    this.state = "left"; // left, joining, joined
  }

  /** join enters the live and returns when the snapshot, or what was missed, is known. */
  join() {
    this.#wanted = true;
    if (this.state === "joined") return Promise.resolve();
    const joined = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    if (this.#client.state === "open") this.rejoin();
    return joined;
  }

  /** leave leaves the live. */
  async leave() {
    this.#wanted = false;
    this.state = "left";
    this.#forgotten();
    if (this.#client.state === "open") await this.#client.send("room.leave", { live: this.id }).catch(() => {});
  }

  /** comment posts a comment. */
  comment(text, key = newKey()) { return this.#client.send("comment.post", { live: this.id, text }, { key }); }

  /** gift sends num gifts, paid with the coins of the user. */
  gift(gift, num = 1, key = newKey()) { return this.#client.send("gift.send", { live: this.id, gift, num }, { key }); }

  /** viewers returns who is in the live, 100 at a time: pass `next` of a page as after. */
  viewers(after) { return this.#client.send("room.viewers", after ? { live: this.id, after } : { live: this.id }); }

  /** rejoin is called by the client on a new connection. */
  rejoin() {
    if (!this.#wanted || this.#joining) return;
    this.#joining = true;
    this.#setState("joining");
    // The reply must be applied before the next frame is read: a promise would be too late.
    this.#client.exchange("room.join", this.#cursor ? { live: this.id, since: this.#cursor } : { live: this.id },
      (reply) => this.#joined(reply), (error) => this.#refused(error));
  }

  #joined(reply) {
    this.#joining = false;
    if (reply.snapshot) this.#apply(reply.snapshot);
    else this.#have = reply.resumed[1];
    this.#setState("joined");
    if (reply.resumed) this.emit("resumed", reply.resumed);
    for (const one of this.#waiting.splice(0)) one.resolve();
  }

  #refused(error) {
    this.#joining = false;
    switch (error.code) {
      case "connection_lost":
        return; // the next connection joins again
      case "cursor_invalid":
        this.forget();
        this.rejoin();
        return;
      case "rate_limited":
        setTimeout(() => this.#client.state === "open" && this.rejoin(), error.retryAfter || 1000);
        return;
    }
    this.#leftBecause(error);
    for (const one of this.#waiting.splice(0)) one.reject(error);
  }

  #leftBecause(error) {
    this.#wanted = false;
    this.#setState("left");
    this.emit("refused", error);
  }

  #apply(snapshot) {
    this.#have = snapshot.pos;
    this.#cursor = snapshot.cursor;
    this.emit("snapshot", snapshot);
  }

  /** receive handles a push about this live. It is called by the client. */
  receive(frame) {
    if (!this.#wanted) return;
    if (frame.type === "snapshot") {
      this.#apply(frame.data);
      return;
    }
    if (frame.prev !== undefined) {
      if (frame.prev > this.#have && !this.#joining) { // a fact is missing
        this.rejoin();
        return;
      }
      this.#have = Math.max(this.#have, frame.pos);
      if (frame.cursor) this.#cursor = frame.cursor;
    }
    this.emit(frame.type, frame.data, frame);
    if (frame.type === "gift" && !this.#acknowledging) {
      this.#acknowledging = setTimeout(() => this.#acknowledge(), ACK_PAUSE);
      this.#acknowledging.unref?.();
    }
    if (frame.type === "banned" || frame.type === "removed") this.#leftBecause(errorOf(frame.data));
  }

  // #acknowledge tells the server what this client has received, so that gifts count as delivered.
  #acknowledge() {
    this.#acknowledging = 0;
    if (this.state === "joined" && this.#cursor) this.#client.send("ack", { live: this.id, cursor: this.#cursor }).catch(() => {});
  }

  /** suspend is called by the client when the connection ends. */
  suspend() {
    this.#joining = false;
    if (this.#wanted) this.#setState("joining");
  }

  /** forget is called by the client when the log has fallen back: positions and cursors are void. */
  forget() {
    this.#have = 0;
    this.#cursor = "";
  }

  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.emit("state", state);
  }
}

/** errorOf returns the error that a frame of the server describes. */
export function errorOf(data) {
  return new RoomlogError(data.code, data.text, { textZH: data.text_zh, retryAfter: data.retry_after, until: data.until });
}
