// Compares the types of the client module with those of the server: a difference is an error of the compiler, which names it.
import type { Client, ClientPushes, Live, LivePushes, Push } from "./client.js";
import type { components as native } from "./native.js";
import type { paths } from "./openapi.js";

type Frames = native["schemas"];

// Differences contains the paths at which two types differ: another type, a member that is missing, or one that only one of them may lack.
type Differences<A, B, Path extends string = ""> =
  Same<A, B> extends true ? never
  : null extends A ? (null extends B ? Differences<NonNullable<A>, NonNullable<B>, Path> : `${Path} may not be null`)
  : null extends B ? `${Path} may be null`
  : [A, B] extends [readonly (infer C)[], readonly (infer D)[]] ? Differences<C, D, `${Path}[]`>
  : [A, B] extends [object, object] ? Members<A, B, Path>
  : `${Path} has another type`;
type Members<A, B, Path extends string> = {
  [K in (keyof A | keyof B) & string]:
    K extends keyof A & keyof B
      ? Optional<A, K> extends Optional<B, K> ? Differences<Exclude<A[K], undefined>, Exclude<B[K], undefined>, `${Path}.${K}`> : `${Path}.${K} is ${Optional<B, K> extends true ? "optional" : "required"}`
      : `${Path}.${K} is ${K extends keyof A ? "never sent" : "missing"}`;
}[(keyof A | keyof B) & string];
type Optional<T, K extends keyof T> = {} extends Pick<T, K> ? true : false;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

declare function none<Found extends never>(...found: Found[]): void;
type Both<A, B> = [Exclude<A, B>, Exclude<B, A>][number];

// Differences finds what it must find.
type Found = Differences<{ media: { started_at: string } | null; n: number; list: { is: "a" | "b" }[]; at: string | null }, { media: { since: string } | null; n?: number; list: { is: "a" }[]; at: string }>;
none<Both<Found, ".media.started_at is never sent" | ".media.since is missing" | ".n is optional" | ".list[].is has another type" | ".at may not be null">>();

// The pushes: each type of the document is declared, with its whole frame.
type Pushed = LivePushes & ClientPushes;
type Documented = keyof Frames extends infer K ? (K extends `push.${infer Type}` ? Type : never) : never;
none<Both<Documented, keyof Pushed>>();
none<{ [T in Documented & keyof Pushed]: Differences<Pushed[T], Frames[`push.${T}`], T> }[Documented & keyof Pushed]>();

// Pushes that contain a live are those of a Live, except for `live.started`.
type AboutLives = { [T in Documented]: Frames[`push.${T}`] extends { live: number } ? T : never }[Documented];
none<Both<Exclude<AboutLives, "live.started">, keyof LivePushes>>();

// Handlers receive the data and the frame of their type, never something of any type.
declare const live: Live, client: Client;
type Handler<P extends { data: unknown }> = (data: P["data"], push: P) => void;
function onLive<T extends Exclude<keyof LivePushes, "snapshot">>(type: T, handler: Handler<LivePushes[T]>) { return live.on(type, handler); }
function onClient<T extends Exclude<keyof ClientPushes, "balance" | "error">>(type: T, handler: Handler<ClientPushes[T]>) { return client.on(type, handler); }
live.on("snapshot", (snapshot) => none<Differences<typeof snapshot, NonNullable<Frames["room.join.ok"]["data"]["snapshot"]>>>());
client.on("balance", (balance, change) => none<Differences<typeof balance, number> | Differences<typeof change, Frames["push.balance"]["data"] | null>>());
client.on("push", (push: Push) => push.room);
live.on("of a newer server", (data, push) => [data.anything, push.pos]);
// @ts-expect-error REST has started_at, frames have since
live.on("media", ({ media }) => media?.started_at);
// @ts-expect-error
live.on("media", (change: { media: { started_at: string } }) => change);
// @ts-expect-error
client.on("warned", (warning: { text: string }) => warning);

// What requests return.
type Data<P extends keyof paths, M extends "get" | "post"> =
  paths[P][M] extends { responses: { 200: { content: { "application/json": infer Reply } } } } ? Extract<Reply, { msg: "ok" }> extends { data: infer D } ? D : never : never;
interface Replies {
  register: Data<"/api/reg", "post">;
  signIn: Data<"/api/login", "post">;
  restreams: Data<"/api/live/{id}/restreams", "get">;
  setRestream: Data<"/api/live/restream", "post">;
  removeRestream: Data<"/api/live/restream/remove", "post">;
  webhooks: Data<"/api/operator/webhooks", "get">;
  deadLetters: Data<"/api/operator/webhook/{id}/dead", "get">;
  retryDeadLetters: Data<"/api/operator/webhook/retry", "post">;
  replayWebhook: Data<"/api/operator/webhook/replay", "post">;
}
interface LiveReplies {
  comment: Frames["comment.post.ok"]["data"];
  gift: Frames["gift.send.ok"]["data"];
  viewers: Frames["room.viewers.ok"]["data"];
}
none<{ [M in keyof Replies]: Differences<Awaited<ReturnType<Client[M]>>, Replies[M], M> }[keyof Replies]>();
none<{ [M in keyof LiveReplies]: Differences<Awaited<ReturnType<Live[M]>>, LiveReplies[M], M> }[keyof LiveReplies]>();

// Every other method returns nothing of the server, or what the caller names.
type Methods<T> = { [M in keyof T]: T[M] extends (...args: never) => unknown ? M : never }[keyof T];
none<Exclude<Methods<Client>, keyof Replies | "on" | "request" | "get" | "post" | "send" | "signOut" | "setToken" | "connect" | "close" | "live">>();
none<Exclude<Methods<Live>, keyof LiveReplies | "on" | "join" | "leave">>();

export { onLive, onClient };
