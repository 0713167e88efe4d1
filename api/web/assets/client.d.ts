// Types of client.js. Times are ISO 8601 texts, coins are whole numbers.

/** A refusal of the server, or a failure of the connection. */
export class RoomlogError extends Error {
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
export interface Comment { pos?: number; id: string; user: User; text: string; at: string }
export interface Gift { id: number; name: string; image: string; price: number }
export interface GiftSent { pos?: number; id: string; user: User; gift: Gift; num: number; coins: number; at: string }
export interface Gauges { online: number; look_count: number; coins: number }
export interface Media { video?: string; width?: number; height?: number; audio?: string; since: string }
/** 0 not started, 1 on air, 2 paused, 3 ended. */
export type Status = 0 | 1 | 2 | 3;
export interface LiveInfo { id: number; title: string; cover: string; status: Status; created_at: string; media: Media | null }
export interface Snapshot {
  epoch: string; pos: number; cursor: string; live: LiveInfo; owner: User; gauges: Gauges;
  /** The newest 50, newest first. */
  comments: Comment[];
  /** The newest 50, newest first. */
  gifts: GiftSent[];
  /** At most 100, newest first. */
  viewers: User[];
  moderators: User[];
  /** What restricts comments. A mode whose `until` has passed is off. */
  modes: { mode: string; value: number; until?: string }[];
}
export interface BalanceChange { balance: number; change: number; live?: number; gift?: number; num?: number; order?: string }
/** One push, as docs/REALTIME.md describes it. */
export interface Push<T = unknown> { type: string; live?: number; pos?: number; prev?: number; cursor?: string; data: T }

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
  on(type: "push", handler: (push: Push) => void): Off;
  on(type: string, handler: (data: any) => void): Off;

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
  on(type: "comment", handler: (comment: Comment, push: Push<Comment>) => void): Off;
  on(type: "gift", handler: (gift: GiftSent, push: Push<GiftSent>) => void): Off;
  on(type: "join", handler: (joined: { user: User; first: boolean }) => void): Off;
  on(type: "leave", handler: (left: { user: User; cause: string }) => void): Off;
  on(type: "status", handler: (change: { status: Status; from: Status }) => void): Off;
  on(type: "media", handler: (change: { media: Media | null; cause?: string }) => void): Off;
  on(type: "gauges", handler: (gauges: Gauges) => void): Off;
  /** The client is not in the live any more. */
  on(type: "refused", handler: (error: RoomlogError) => void): Off;
  on(type: string, handler: (data: any, push: Push) => void): Off;

  join(): Promise<void>;
  leave(): Promise<void>;
  /** `held` is the number of a comment that waits for a review. */
  comment(text: string, key?: string): Promise<{ pos: number; id: string; held?: number }>;
  gift(gift: number, num?: number, key?: string): Promise<{ pos: number; balance: number }>;
  viewers(after?: string): Promise<{ viewers: User[]; next?: string }>;
}

/** Returns a random idempotency key. */
export function newKey(): string;
