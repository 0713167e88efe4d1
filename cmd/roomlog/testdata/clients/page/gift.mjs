// Gives a gift in a live with two clients, and reports its delivery when both have acknowledged it.
// node gift.mjs CLIENT SERVER TOKEN OTHER_TOKEN LIVE
const [module, server, token, otherToken, live] = process.argv.slice(2);
const { Client } = await import(module);
const clients = [token, otherToken].map((token) => new Client({ url: server, token }));
const rooms = clients.map((client) => client.live(Number(live)));
for (const client of clients) client.connect();
await Promise.all(rooms.map((room) => room.join()));
const { pos } = await rooms[0].gift(1);
for (;;) {
  const delivery = await clients[0].get(`/api/gift/${pos}/delivery`).catch((error) => error);
  if (delivery.acknowledged >= 2) {
    console.log(JSON.stringify([delivery.sent, delivery.acknowledged, delivery.streamer_acknowledged]));
    process.exit(0);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
