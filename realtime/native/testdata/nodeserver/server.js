// A room on Socket.IO for Node, as its documentation has it: what ours is measured against.
"use strict";
const { createServer } = require("http");
const { Server } = require("socket.io");
const readline = require("readline");

const http = createServer();
const io = new Server(http, { serveClient: false });
io.on("connection", (socket) => socket.join("6"));

const phrases = JSON.parse(process.argv[2]);
let posted = 0;

function post() {
  posted++;
  const user = 10000 + (posted * 7919) % 500;
  io.to("6").emit("comment", {
    user: { id: user, name: "viewer" + user, avatar: "/uploads/" + user + ".png" },
    id: (posted * 2654435761 % 0x10000000000).toString(16).padStart(10, "0"),
    content: phrases[posted % phrases.length],
    at: String(Number(process.hrtime.bigint() - start) + origin),
  });
}

// Nanoseconds since 1970, but for the precision that a number does not have.
const start = process.hrtime.bigint();
const origin = (performance.timeOrigin + performance.now()) * 1e6;

const says = {
  hold(n) {
    if (io.sockets.adapter.rooms.get("6")?.size >= n) console.log("holding");
    else setTimeout(() => says.hold(n), 1);
  },
  publish(rate, count) {
    const began = performance.now();
    let done = 0;
    const tick = setInterval(() => {
      for (const due = Math.min(count, (performance.now() - began) * rate / 1000); done < due; done++) post();
      if (done >= count) {
        clearInterval(tick);
        console.log("published " + count);
      }
    }, 1000 / rate / 2);
  },
  stats() {
    const { user, system } = process.cpuUsage();
    console.log("stats " + (user + system) / 1e6 + " " + process.memoryUsage().rss + " 0");
  },
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const [word, ...numbers] = line.split(" ");
  says[word](...numbers.map(Number));
}).on("close", () => process.exit());

http.listen(0, "127.0.0.1", () => console.log("127.0.0.1:" + http.address().port));
