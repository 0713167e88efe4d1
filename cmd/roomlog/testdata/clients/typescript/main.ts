// Calls a server with openapi-fetch and the types that openapi-typescript has generated: registers a user, signs in,
// creates a live, lists the lives and the gifts, and reads a live that does not exist. Prints what it received.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { argv: string[] };

const client = createClient<paths>({ baseUrl: process.argv[2]! });
const username = "typist", password = "secret of typist";

await client.POST("/api/reg", { body: { username, password, repassword: password } });
const login = await client.POST("/api/login", { body: { username, password } });
if (!login.data || !("msg" in login.data)) throw new Error(`sign in: ${JSON.stringify(login.error)}`);
const me = login.data.data;

const headers = { token: me.token };
const created = await client.POST("/api/live/create", { headers, body: { title: "made by a page", cover: "" } });
if (!created.data) throw new Error(`create a live: ${created.error.code}`);
const live = created.data.data.data;
await client.POST("/api/live/changestatus", { headers, body: { id: live.id, type: "play" } });

const lives = await client.GET("/api/live/list/{page}", { params: { path: { page: 1 } } });
const gifts = await client.GET("/api/gift/list");
const missing = await client.GET("/api/live/read/{id}", { params: { path: { id: 999 } } });

console.log(JSON.stringify({
  user: me.username, live: live.title, owner: live.user_id === me.id && live.userId === me.id, media: live.media,
  listed: lives.data?.data[0]?.title, status: lives.data?.data[0]?.status, gift: gifts.data?.data[0]?.name, code: missing.error?.code,
}));
