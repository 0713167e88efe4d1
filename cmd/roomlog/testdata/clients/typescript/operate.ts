// Uses the client module with its types: restream targets and webhooks. Prints what it received.
import { Client, RoomlogError } from "./client.js";
import type { DeadLetter, RestreamTarget, Webhook } from "./client.js";

declare const process: { argv: string[] };

const client = new Client({ url: process.argv[2]! });
await client.signIn("boss", "secret of boss");

const live = (await client.post<{ data: { id: number } }>("/api/live/create", { title: "a show", cover: "" })).data.id;
await client.setRestream(live, { target: "there", url: "rtmp://media.example/app/the-key" });
await client.setRestream(live, { target: "there", url: "rtmps://media.example/app", key: "the-key" }); // replaces it
const targets: RestreamTarget[] = await client.restreams(live);
await client.removeRestream(live, "there");
const none = await client.restreams(live);

const webhooks: Webhook[] = await client.webhooks();
const letters: DeadLetter[] = await client.deadLetters("people", { limit: 10 });
const { count } = await client.retryDeadLetters("people");
await client.replayWebhook("people", { from: "1", reason: "again" });
await client.replayWebhook("people");
const refusal = await client.replayWebhook("nobody").then(() => "ok", (error: RoomlogError) => error.code);

console.log(JSON.stringify({
  targets: targets.map((t) => `${t.target} ${t.url} ${t.state} ${t.bytes}`), none: none.length,
  webhooks: webhooks.map((w) => `${w.id} ${w.types.join()} ${w.dead} ${w.blocked}`), letters: letters.length, count, refusal,
}));
