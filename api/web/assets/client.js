// The client of roomlog for browsers and Node: REST, and lives over WebSocket with resume. It has no dependencies.
// docs/CLIENTS.md explains it step by step; client.d.ts has the types.

import { Emitter, Live, RoomlogError, errorOf, newKey } from "./live.js";

export { Live, RoomlogError, newKey } from "./live.js";

const SILENCE = 25000; // ms without a frame after which the client sends a ping
const REPLY_TIME = 15000; // ms within which the server must send a frame after a request
const ACK_AFTER = 50; // pushes of the user channel after which the client sends ack
const MOST_REPEATS = 8; // of a request that the server could not execute

// codes of refusals that end the sign-in session: the client must sign in again
const sessionCodes = new Set(["token_expired", "token_invalid", "session_ended"]);
const endingCodes = new Set([...sessionCodes, "user_unavailable", "banned", "kicked"]); // of pushes that explain the close

const failure = {
  lost: () => new RoomlogError("connection_lost", "The connection was lost before the server replied.", { textZH: "连接中断，未收到回复" }),
  network: () => new RoomlogError("network", "The server cannot be reached. Check your connection.", { textZH: "无法连接服务器，请检查网络" }),
  closed: () => new RoomlogError("client_closed", "The client is closed.", { textZH: "客户端已关闭" }),
  unsupported: () => new RoomlogError("no_websocket", "This browser or network offers no WebSocket.", { textZH: "当前环境不支持 WebSocket" }),
};

/** Client is a signed-in user, or nobody, at one server. */
export class Client extends Emitter {
  #fetch; #WebSocket; #random; #firstDelay; #longestDelay;
  #socket = null; #ready = false; #wanted = false;
  #retry = 0; #silence = 0; #pinged = false; #named = 0;
  #sent = 0; // number of the newest request
  #waiting = new Map(); // id → request that was sent
  #queue = []; // requests for the next connection
  #lives = new Map();
  #cursor = ""; #unacknowledged = 0; #last = null; // the error that the server sent last

  constructor({ url = globalThis.location?.origin, token = "", fetch = globalThis.fetch, WebSocket = globalThis.WebSocket, random = Math.random, firstDelay = 500, longestDelay = 15000 } = {}) {
    super();
    this.url = String(url).replace(/\/+$/, "");
    this.token = token;
    this.user = null; // id, after hello
    this.balance = null; // coins, after hello
    this.state = "closed"; // closed, connecting, open, waiting
    this.opened = 0; // connections that were open so far
    this.failures = 0; // attempts to connect that have failed since the last one that succeeded
    this.#fetch = (...args) => fetch(...args);
    this.#WebSocket = WebSocket;
    this.#random = random;
    this.#firstDelay = firstDelay;
    this.#longestDelay = longestDelay;
    globalThis.addEventListener?.("online", () => this.#reconnectNow());
    globalThis.addEventListener?.("offline", () => this.#wanted && this.state !== "waiting" && this.#lost());
  }

  // REST

  /** request sends a REST request and returns `data` of the response. key makes a command safe to repeat. */
  async request(method, path, body, { key } = {}) {
    const headers = {};
    if (this.token) headers.token = this.token;
    if (key) headers["Idempotency-Key"] = key;
    const form = globalThis.FormData && body instanceof FormData;
    if (body !== undefined && !form) headers["Content-Type"] = "application/json";
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#requestOnce(method, path, headers, body === undefined || form ? body : JSON.stringify(body));
      } catch (error) {
        const again = error.code === "busy" || error.code === "outcome_unknown" || (error.code === "network" && (key || method === "GET"));
        if (!again || attempt >= 4) throw error;
        await sleep(error.retryAfter || this.#delay(attempt));
      }
    }
  }

  async #requestOnce(method, path, headers, body) {
    let response;
    try {
      response = await this.#fetch(this.url + path, { method, headers, body });
    } catch {
      throw failure.network();
    }
    let reply = null;
    try {
      reply = await response.json();
    } catch {
      // a proxy has responded
    }
    if (response.ok && reply?.msg === "ok") return reply.data;
    const error = new RoomlogError(reply?.code ?? "http_" + response.status, reply?.text_en ?? `The server responded with status ${response.status}.`, {
      textZH: typeof reply?.data === "string" ? reply.data : undefined,
      retryAfter: 1000 * Number(response.headers.get("Retry-After") ?? 0), status: response.status, until: reply?.until,
    });
    if (sessionCodes.has(error.code) && headers.token && headers.token === this.token) this.#end(error);
    throw error;
  }

  get(path) { return this.request("GET", path); }
  post(path, body = {}, options) { return this.request("POST", path, body, options); }

  /** register creates an account. */
  register(username, password) { return this.post("/api/reg", { username, password, repassword: password }); }

  /** signIn starts a sign-in session, which ends the earlier one of the user, and keeps its token. */
  async signIn(username, password) {
    const user = await this.post("/api/login", { username, password });
    this.setToken(user.token);
    return user;
  }

  /** signOut ends the sign-in session. */
  async signOut() {
    try {
      await this.post("/api/logout");
    } finally {
      this.setToken("");
    }
  }

  /** setToken replaces the token. A connection continues with the new token of the same user, and ends without a token. */
  setToken(token) {
    this.token = token;
    if (!token) {
      this.user = this.balance = null;
      this.#cursor = "";
      this.close();
    } else if (this.#ready) {
      this.#transmit(this.#newRequest("hello", { token }));
    }
  }

  // Restream targets of a live, for its owner and for operators. The stream key of a target cannot be read again.

  /** restreams lists the targets with their states. */
  restreams(live) { return this.get(`/api/live/${live}/restreams`); }

  /** setRestream adds a target, or replaces the one with this name. */
  setRestream(live, { target, url, key }) { return this.post("/api/live/restream", { id: live, target, url, ...(key && { key }) }); }

  removeRestream(live, target) { return this.post("/api/live/restream/remove", { id: live, target }, { key: newKey() }); }

  // Webhooks, for operators

  /** webhooks lists the webhooks, and how far their receivers are. */
  webhooks() { return this.get("/api/operator/webhooks"); }

  /** deadLetters lists events that a receiver has not accepted in time, by position, after the position `after`. */
  deadLetters(webhook, { after = 0, limit = 50 } = {}) { return this.get(`/api/operator/webhook/${encodeURIComponent(webhook)}/dead?after=${after}&limit=${limit}`); }

  /** retryDeadLetters sends the dead letter at a position once more, or all of them. */
  retryDeadLetters(webhook, position) { return this.post("/api/operator/webhook/retry", { webhook, ...(position && { position }) }, { key: newKey() }); }

  /** replayWebhook continues at a position, time or day; without `from`, it leaves out everything up to now. */
  replayWebhook(webhook, { from, reason } = {}) { return this.post("/api/operator/webhook/replay", { webhook, ...(from && { from }), ...(reason && { reason }) }); }

  // Connection

  /** connect opens the connection and keeps it open until close is called or the server forbids it. */
  connect() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#open();
  }

  /** close ends the connection and refuses all requests that have no reply. */
  close() {
    this.#wanted = false;
    clearTimeout(this.#retry);
    this.#drop();
    this.#refuseAll(failure.closed());
    this.#setState("closed");
  }

  /** live returns the live with an id. Call join to enter it. */
  live(id) {
    if (!this.#lives.has(id)) this.#lives.set(id, new Live(this, id, () => this.#lives.delete(id)));
    return this.#lives.get(id);
  }

  /**
   * send sends a frame and returns the data of the reply. With a key, the frame is sent again after a lost connection, and takes
   * effect once. Without a key, a lost connection refuses it with the code connection_lost.
   */
  send(type, data = {}, { key } = {}) {
    return new Promise((resolve, reject) => this.exchange(type, data, resolve, reject, key));
  }

  /** exchange is send with callbacks, which are called before the next frame is handled. */
  exchange(type, data, resolve, reject, key) {
    const request = { type, data, key, resolve, reject, repeats: 0 };
    if (!this.#wanted) reject(failure.closed());
    else if (this.#ready) this.#transmit(request);
    else this.#queue.push(request);
  }

  #newRequest(type, data) { return { type, data, repeats: 0, resolve() {}, reject() {} }; }

  #transmit(request) {
    request.id = String(++this.#sent);
    this.#waiting.set(request.id, request);
    const frame = { id: request.id, type: request.type, data: request.data };
    if (request.key) frame.key = request.key;
    try {
      this.#socket.send(JSON.stringify(frame));
    } catch {
      this.#lost();
    }
    this.#watch(REPLY_TIME);
  }

  #open() {
    clearTimeout(this.#retry);
    if (!this.#WebSocket) {
      this.#end(failure.unsupported());
      return;
    }
    this.#setState("connecting");
    this.#last = null;
    const socket = new this.#WebSocket(this.url.replace(/^http/, "ws") + "/ws");
    this.#socket = socket;
    socket.onopen = () => socket === this.#socket && this.#hello();
    socket.onmessage = (event) => socket === this.#socket && this.#receive(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#lost(event.code, event.reason);
    socket.onerror = () => {}; // onclose follows
    this.#watch(REPLY_TIME);
  }

  #hello() {
    const data = { token: this.token };
    if (this.#cursor) data.since = this.#cursor;
    this.#transmit({
      type: "hello", data, repeats: 0,
      resolve: (reply) => {
        this.#ready = true;
        this.failures = 0;
        this.opened++;
        this.user = reply.user;
        if (!this.#cursor || reply.reset) this.#cursor = reply.cursor;
        this.#setBalance(reply.balance);
        for (const live of this.#lives.values()) live.rejoin();
        for (const request of this.#queue.splice(0)) this.#transmit(request);
        this.#setState("open");
      },
      reject: (error) => {
        if (!this.#wanted) return;
        if (error.code !== "connection_lost" && error.code !== "busy" && error.code !== "rate_limited") this.#end(error);
        else if (error.code !== "connection_lost") this.#lost(0, "", error.retryAfter);
      },
    });
  }

  #receive(text) {
    this.#pinged = false;
    const frame = JSON.parse(text);
    if (frame.re !== undefined) this.#reply(frame);
    else if (frame.live !== undefined && frame.type !== "live.started") this.#lives.get(frame.live)?.receive(frame);
    else this.#receiveOwn(frame);
    this.#watch(this.#waiting.size ? REPLY_TIME : SILENCE);
  }

  #reply(frame) {
    const request = this.#waiting.get(frame.re);
    if (!request) return;
    this.#waiting.delete(frame.re);
    if (frame.type !== "error") {
      request.resolve(frame.data);
      return;
    }
    const error = errorOf(frame.data);
    const again = error.code === "busy" || (error.code === "outcome_unknown" && request.key);
    if (again && request.repeats++ < MOST_REPEATS && request.type !== "hello") {
      setTimeout(() => (this.#ready ? this.#transmit(request) : this.#queue.push(request)), error.retryAfter || this.#delay(request.repeats));
      return;
    }
    if (sessionCodes.has(error.code)) this.#last = error;
    request.reject(error);
  }

  // #receiveOwn handles a push of the user channel.
  #receiveOwn(frame) {
    if (frame.cursor) {
      this.#cursor = frame.cursor;
      if (++this.#unacknowledged >= ACK_AFTER) {
        this.#unacknowledged = 0;
        this.#transmit(this.#newRequest("ack", { cursor: frame.cursor }));
      }
    }
    if (frame.type === "balance") this.#setBalance(frame.data.balance, frame.data);
    if (frame.type === "reset") { // positions of the former history are void, and snapshots follow
      this.#cursor = frame.data.cursor;
      this.#setBalance(frame.data.balance);
      for (const live of this.#lives.values()) live.forget();
    }
    if (frame.type === "error") {
      this.#last = errorOf(frame.data);
      if (!endingCodes.has(this.#last.code)) this.emit("error", this.#last); // otherwise the close follows, and is reported once
    }
    this.emit("push", frame);
    if (!["balance", "error"].includes(frame.type)) this.emit(frame.type, frame.data, frame);
  }

  #setBalance(balance, change = null) {
    this.balance = balance;
    this.emit("balance", balance, change);
  }

  #lost(code = 1006, reason = "", wait = 0) {
    this.#drop();
    const keep = [...this.#waiting.values()].filter((r) => r.key);
    for (const request of this.#waiting.values()) if (!request.key) request.reject(failure.lost());
    this.#waiting.clear();
    this.#queue = [...keep, ...this.#queue];
    if (!this.#wanted) return;
    if ((code >= 3500 && code < 4000) || code >= 4500) {
      this.#end(endingCodes.has(this.#last?.code) ? this.#last : closeError(code, reason));
      return;
    }
    if (code === 1012) wait = retryAfterOf(reason);
    this.#setState("waiting");
    this.#named = wait;
    this.#retry = setTimeout(() => this.#open(), wait || this.#delay(++this.failures));
  }

  #reconnectNow() {
    if (this.state !== "waiting" || this.#named) return;
    this.failures = 0;
    this.#open();
  }

  // #end ends the connection for good: the user must sign in again, or must not return.
  #end(error) {
    this.#wanted = false;
    this.#drop();
    this.#refuseAll(error);
    this.#setState("closed");
    this.emit("end", error);
  }

  #drop() {
    clearTimeout(this.#silence);
    this.#ready = false;
    const socket = this.#socket;
    this.#socket = null;
    try {
      socket?.close();
    } catch {
      // it is not open
    }
    for (const live of this.#lives.values()) live.suspend();
  }

  #refuseAll(error) {
    const all = [...this.#waiting.values(), ...this.#queue.splice(0)];
    this.#waiting.clear();
    for (const request of all) request.reject(error);
  }

  // #watch sends a ping when nothing has arrived for a time, and reconnects when nothing arrives after that either.
  #watch(time) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      if (this.#pinged || !this.#ready) {
        this.#lost();
        return;
      }
      this.#pinged = true;
      this.#transmit(this.#newRequest("ping", {}));
    }, time);
    this.#silence.unref?.();
  }

  #delay(attempt) {
    return Math.min(this.#longestDelay, this.#firstDelay * 2 ** (attempt - 1)) * (0.5 + this.#random() / 2);
  }

  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.emit("state", state);
  }
}

function closeError(code, reason) {
  if (code === 4503) return new RoomlogError("kicked", reason || "An operator has closed the connection.", { textZH: reason || "您已被管理员断开" });
  if (code === 4500) return new RoomlogError("session_ended", "You have signed out, or signed in elsewhere. Sign in again.", { textZH: "您已退出，或在别处登录，请重新登录" });
  return new RoomlogError("token_invalid", "Sign in again.", { textZH: "请重新登录" });
}

function retryAfterOf(reason) {
  try {
    return Number(JSON.parse(reason).retry_after) || 0;
  } catch {
    return 0;
  }
}

function sleep(ms) { return new Promise((resolve) => setTimeout(resolve, ms)); }
