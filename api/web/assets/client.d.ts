// Types of client.js. Times are ISO 8601 texts, coins are whole numbers.

/** A refusal of the server, or a failure of the connection. */
export class RoomlogError extends Error {
  constructor(code: string, text: string, more?: { textZH?: string; retryAfter?: number; status?: number; until?: string });
  /** For programs: a code of docs/REALTIME.md or of the OpenAPI document, or network, connection_lost, client_closed, no_websocket. */
  readonly code: string;
  /** For people, in Chinese; `message` is in English. */
  readonly textZH: string;
  /** Milliseconds after which another try makes sense; 0 if the server names none. */
  readonly retryAfter: number;
  /** HTTP status; 0 for WebSocket. */
  readonly status: number;
  /** Time from which the same request is accepted; empty if the server names none. */
  readonly until: string;
}

export interface User { id: number; name: string; avatar: string }
export interface Account { id: number; username: string; nickname: string; avatar: string; coin: number }
/** `pos` is set in snapshots; a push has its own. */
export interface Comment { pos?: number; id: string; user: User; text: string; at: string }
/** `pos` is set in snapshots; a push has its own. */
export interface GiftSent { pos?: number; id: string; user: User; gift: Gift; num: number; coins: number; at: string }
export interface Gift { id: number; name: string; image: string; price: number }
export interface Gauges { online: number; look_count: number; coins: number }
/** A broadcast: its codecs and size as far as they are known, and when it has started. REST calls the start `started_at`. */
export interface Media { video?: string; width?: number; height?: number; audio?: string; since: string }
/** 0 not started, 1 on air, 2 paused, 3 ended. */
export type Status = 0 | 1 | 2 | 3;
export interface LiveInfo { id: number; title: string; cover: string; status: Status; created_at: string; media: Media | null }
/** A rule of a live that restricts comments. It is off if `value` is 0 or `until` has passed. */
export interface Mode { mode: "mute_all" | "slow" | "members" | "links_off" | "followers" | "stickers" | "review"; value: number; until?: string }
export interface Snapshot {
  epoch: string; pos: number; cursor: string; live: LiveInfo; owner: User; gauges: Gauges;
  /** The newest 50, newest first. */
  comments: Comment[];
  /** The newest 50, newest first. */
  gifts: GiftSent[];
  /** At most 100, newest first. */
  viewers: User[];
  moderators: User[];
  modes: Mode[];
}
export interface BalanceChange { balance: number; change: number; live?: number; gift?: number; num?: number; ticket?: boolean; order?: string }
export interface Participant {
  /** Public id of the connection; absent for a user who was not in the chat. */
  participant?: string;
  /** Absent for participants who are not signed in. */
  user?: number;
  name: string;
}
/** A message has one of text, sticker and voice. */
export interface ChatMessage {
  pos?: number; id: string; by: Participant;
  /** Ids of chat rooms; absent: the public chat, or the message is for the user alone. */
  rooms?: string[];
  text?: string; sticker?: string; voice?: { url: string; ms: number }; at: string;
}

/** One push of any type, as docs/REALTIME.md describes it. */
export interface Push<T = unknown> { type: string; live?: number; room?: string; pos?: number; prev?: number; cursor?: string; data: T }
/** A push that clients receive in order and once. */
export interface Fact<Type extends string, Data> { type: Type; live: number; pos: number; prev: number; cursor: string; data: Data }
/** A push about a live that is no fact. */
export interface LivePush<Type extends string, Data> { type: Type; live: number; data: Data }
/** A push about the signed-in user. */
export interface UserPush<Type extends string, Data> { type: Type; pos: number; cursor: string; data: Data }
/** A push about a chat room, or without `room` about the public chat. */
export interface ChatPush<Type extends string, Data> { type: Type; room?: string; pos?: number; cursor?: string; data: Data }

/** What a Live receives, by type. */
export interface LivePushes {
  "comment": Fact<"comment", Comment>;
  "gift": Fact<"gift", GiftSent>;
  "refund": Fact<"refund", { gift_pos: number; user: User; coins: number }>;
  "join": Fact<"join", { user: User; first: boolean }>;
  "leave": Fact<"leave", { user: User; cause: string }>;
  "status": Fact<"status", { status: Status; from: Status }>;
  /** null: the broadcast has ended; cause says why. */
  "media": Fact<"media", { media: Media | null; cause?: string }>;
  "comment.removed": Fact<"comment.removed", { pos: number }>;
  "comments.cleared": Fact<"comments.cleared", { user: number }>;
  "muted": Fact<"muted", { user: User; muted: boolean; until?: string }>;
  "moderator": Fact<"moderator", { user: User; moderator: boolean }>;
  "mode": Fact<"mode", Mode>;
  "review": Fact<"review", { waiting: number }>;
  "viewer_profile": Fact<"viewer_profile", User>;
  /** Stands for consecutive joins and leaves in a large live. */
  "join_batch": Fact<"join_batch", { joined: number; left: number; newest: User[] }>;
  "skipped": Fact<"skipped", { n: number }>;
  /** `refused` follows. */
  "banned": LivePush<"banned", { code: "banned"; text: string; text_zh: string }>;
  /** `refused` follows. */
  "removed": LivePush<"removed", { code: string; text: string; text_zh: string }>;
  "snapshot": LivePush<"snapshot", Snapshot>;
  "gauges": LivePush<"gauges", Gauges>;
}

/** What a Client receives, by type. */
export interface ClientPushes {
  "balance": UserPush<"balance", BalanceChange>;
  "profile": UserPush<"profile", User>;
  "follow": UserPush<"follow", { streamer: number; following: boolean }>;
  "age": UserPush<"age", { age: number }>;
  "notice": UserPush<"notice", {
    kind: "signed_in" | "signed_out" | "disabled" | "enabled" | "kicked" | "banned" | "unbanned" | "forgotten" | "role_granted" | "role_revoked";
    role?: string; reason?: string; until?: string;
  }>;
  "warned": UserPush<"warned", { live: number; reason: string }>;
  "decision": UserPush<"decision", { live: number; notice: "comment_dropped" | "report_decided"; number: number; decision?: "upheld" | "rejected"; reason?: string }>;
  "live.started": LivePush<"live.started", { title: string; cover: string; owner: User }>;
  "follower": { type: "follower"; data: { user: User } };
  "chat.message": ChatPush<"chat.message", ChatMessage>;
  "chat.private": ChatPush<"chat.private", ChatMessage>;
  "chat.joined": ChatPush<"chat.joined", { by: Participant; online: number }>;
  "chat.left": ChatPush<"chat.left", { by: Participant; cause: string; online: number }>;
  "chat.named": ChatPush<"chat.named", { by: Participant }>;
  "chat.typing": ChatPush<"chat.typing", { by: Participant }>;
  "chat.removed": ChatPush<"chat.removed", Record<string, never>>;
  "chat.snapshot": ChatPush<"chat.snapshot", {
    participant: string; epoch: string; pos: number; cursor: string; room?: { id: string; name: string };
    resumed: boolean; messages: ChatMessage[]; online: number;
  }>;
  "reset": { type: "reset"; data: { epoch: string; cursor: string; balance: number } };
  "error": { re?: string; type: "error"; data: { code: string; text: string; text_zh: string; retry_after?: number; until?: string } };
}

export interface RestreamTarget {
  target: string;
  /** Without the stream key. */
  url: string;
  state: "waiting" | "connecting" | "live" | "failed";
  /** Why the last connection has failed, or empty. */
  reason: string;
  /** Time of the last change of the state; null while the live has no broadcast. */
  since: string | null;
  bytes: number; reconnects: number; skips: number;
}
export interface Webhook {
  id: string; url: string;
  /** Types and prefixes of the events; empty: all events. */
  types: string[];
  personal: boolean; added_at: string;
  /** Every selected event up to this position was accepted, waits in a blocked live, or is dead. */
  position: number;
  /** Position of the newest event of the log. */
  head: number;
  blocked: number; dead: number;
  /** HTTP status and fault of the newest attempt that was not accepted. */
  status?: number; error?: string;
  /** Why nothing is sent until the webhook is replayed. */
  halted?: string;
}
export interface DeadLetter { position: number; type: string; live?: number; died_at: string; status?: number; error: string; retry: boolean }

export type ClientState = "closed" | "connecting" | "open" | "waiting";
export type LiveState = "left" | "joining" | "joined";
/** Ends the subscription. */
export type Off = () => void;

export interface ClientOptions {
  /** Address of the server, like https://live.example; default: the server of the page. */
  url?: string;
  token?: string;
  fetch?: typeof fetch;
  /** Constructor with the interface of browsers; needed in Node before version 22. */
  WebSocket?: new (url: string) => WebSocket;
  /** Returns a number from 0 to 1, for delays. */
  random?: () => number;
  /** Milliseconds before the first attempt to reconnect; default 500. The delay doubles with every failure. */
  firstDelay?: number;
  /** Longest delay in milliseconds; default 15000. */
  longestDelay?: number;
}

export class Client {
  constructor(options?: ClientOptions);
  readonly url: string;
  readonly token: string;
  readonly user: number | null;
  readonly balance: number | null;
  readonly state: ClientState;
  /** Connections that were open so far. */
  readonly opened: number;
  /** Attempts to connect that have failed since the last one that succeeded. */
  readonly failures: number;

  on(type: "state", handler: (state: ClientState) => void): Off;
  on(type: "balance", handler: (balance: number, change: BalanceChange | null) => void): Off;
  /** The connection has ended for good: sign in again, or do not return. */
  on(type: "end", handler: (error: RoomlogError) => void): Off;
  on(type: "error", handler: (error: RoomlogError) => void): Off;
  /** Every push of the user channel and of chat rooms. */
  on(type: "push", handler: (push: Push<any>) => void): Off;
  on<T extends Exclude<keyof ClientPushes, "balance" | "error">>(type: T, handler: (data: ClientPushes[T]["data"], push: ClientPushes[T]) => void): Off;
  /** Types that this version does not know. */
  on<T extends string>(type: T extends keyof ClientPushes | "state" | "end" | "push" ? never : T, handler: (data: any, push: Push<any>) => void): Off;

  request<T = any>(method: string, path: string, body?: unknown, options?: { key?: string }): Promise<T>;
  get<T = any>(path: string): Promise<T>;
  post<T = any>(path: string, body?: unknown, options?: { key?: string }): Promise<T>;
  register(username: string, password: string): Promise<Account>;
  signIn(username: string, password: string): Promise<Account & { token: string }>;
  signOut(): Promise<void>;
  setToken(token: string): void;

  /** For the owner of the live and for operators. */
  restreams(live: number): Promise<RestreamTarget[]>;
  /** Adds a target, or replaces the one with this name. The key cannot be read again. */
  setRestream(live: number, target: { target: string; url: string; key?: string }): Promise<string>;
  removeRestream(live: number, target: string): Promise<string>;
  /** For operators, like the three methods below. */
  webhooks(): Promise<Webhook[]>;
  deadLetters(webhook: string, page?: { after?: number; limit?: number }): Promise<DeadLetter[]>;
  /** Without a position: all dead letters. */
  retryDeadLetters(webhook: string, position?: number): Promise<{ count: number }>;
  /** `from` is a position, time or day; without it, everything up to now is left out. */
  replayWebhook(webhook: string, options?: { from?: string; reason?: string }): Promise<string>;

  connect(): void;
  close(): void;
  live(id: number): Live;
  send<T = any>(type: string, data?: object, options?: { key?: string }): Promise<T>;
}

export class Live {
  readonly id: number;
  readonly state: LiveState;
  on(type: "state", handler: (state: LiveState) => void): Off;
  on(type: "snapshot", handler: (snapshot: Snapshot) => void): Off;
  /** All facts from the first position to the second follow. */
  on(type: "resumed", handler: (range: [number, number]) => void): Off;
  /** The client is not in the live any more. */
  on(type: "refused", handler: (error: RoomlogError) => void): Off;
  on<T extends Exclude<keyof LivePushes, "snapshot">>(type: T, handler: (data: LivePushes[T]["data"], push: LivePushes[T]) => void): Off;
  /** Types that this version does not know. */
  on<T extends string>(type: T extends keyof LivePushes | "state" | "resumed" | "refused" ? never : T, handler: (data: any, push: Push<any>) => void): Off;

  join(): Promise<void>;
  leave(): Promise<void>;
  /** `held` is the number of a comment that waits for a review; such a comment has no `id` yet. */
  comment(text: string, key?: string): Promise<{ pos: number; id?: string; held?: number }>;
  gift(gift: number, num?: number, key?: string): Promise<{ pos: number; balance: number }>;
  viewers(after?: string): Promise<{ viewers: User[]; next?: string }>;
}

/** Returns a random idempotency key. */
export function newKey(): string;
