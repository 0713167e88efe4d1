// Loses its connection again and again while it comments, and reports which comments each of two clients has received.
// node cut.mjs CLIENT SERVER TOKEN OTHER_TOKEN LIVE CUTS
import net from "node:net";
const [module, server, token, otherToken, live, cuts] = process.argv.slice(2);
const { Client } = await import(module);

// A relay stands between the client and the server, because only a relay can lose a connection as networks do.
const open = new Set();
const { hostname, port } = new URL(server);
const relay = net.createServer((near) => {
  const far = net.connect(Number(port), hostname);
  open.add(near);
  near.pipe(far).pipe(near);
  const end = () => { open.delete(near); near.destroy(); far.destroy(); };
  for (const one of [near, far]) one.on("close", end).on("error", end);
});
await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
const cut = () => { for (const one of open) one.destroy(); };

function follow(url, token) {
  const client = new Client({ url, token, firstDelay: 2, longestDelay: 20 });
  const room = client.live(Number(live));
  const received = [];
  let snapshots = 0;
  room.on("snapshot", (snapshot) => { snapshots++; for (const c of [...snapshot.comments].reverse()) received.push(c.text); });
  room.on("comment", (comment) => received.push(comment.text));
  client.on("end", (error) => { throw error; });
  client.connect();
  return { client, room, received, snapshots: () => snapshots, joined: room.join() };
}

const cutOff = follow("http://127.0.0.1:" + relay.address().port, token);
const steady = follow(server, otherToken);
await Promise.all([cutOff.joined, steady.joined]);
const sent = [];
for (let n = 0; n < Number(cuts); n++) {
  sent.push(cutOff.room.comment("comment " + n)); // with a key: it is sent again after the connection was lost
  if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve)); // the cut comes at different moments
  if (n % 3 === 1) await sent.at(-1);
  const lost = new Promise((resolve) => { const off = cutOff.client.on("state", (state) => { if (state === "waiting") { off(); resolve(); } }); });
  const back = lost.then(() => new Promise((resolve) => { const off = cutOff.room.on("state", (state) => { if (state === "joined") { off(); resolve(); } }); }));
  cut();
  await back;
}
const replies = await Promise.all(sent);
const last = "the last comment";
const arrived = [cutOff, steady].map(({ room, received }) => new Promise((resolve) => {
  const check = () => received.includes(last) && resolve();
  room.on("comment", check);
  check();
}));
await cutOff.room.comment(last);
await Promise.all(arrived);
console.log(JSON.stringify({ received: cutOff.received, steady: steady.received, snapshots: cutOff.snapshots(), replies: new Set(replies.map((r) => r.pos)).size, errors: await refusals() }));
process.exit(0);

// refusals returns the codes of errors that an app must tell apart.
async function refusals() {
  const codes = [];
  const note = (promise) => promise.then(() => codes.push("ok"), (error) => codes.push(error.name + " " + error.code));
  await note(cutOff.room.comment(" "));
  await note(cutOff.room.gift(999));
  await note(new Client({ url: server }).get("/api/user/info"));
  await note(new Client({ url: "http://127.0.0.1:1" }).post("/api/login"));
  await note(new Client({ url: server }).send("ping"));
  return codes;
}
