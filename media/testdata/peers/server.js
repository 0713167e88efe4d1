// A node-media-server as its documentation starts it: what ours is measured against.
// node server.js nms2|nms4 RTMP-PORT HTTP-PORT
"use strict";
const fs = require("fs");
const os = require("os");
const net = require("net");
const path = require("path");
const readline = require("readline");

const [, , version, rtmp, http] = process.argv;
const said = console.log; // for us alone: the server's own words are not wanted
console.log = console.info = console.debug = () => {};

const home = fs.mkdtempSync(path.join(os.tmpdir(), "roomlog-peer-"));
process.on("exit", () => fs.rmSync(home, { recursive: true, force: true }));
process.chdir(home);

const Server = require(version);
const auth = { play: false, publish: false };
new Server({
  bind: "127.0.0.1",
  logType: 0,
  auth: version === "nms4" ? { ...auth, secret: "", jwt: { secret: "bench", users: [] } } : auth,
  rtmp: { port: Number(rtmp), chunk_size: 60000, gop_cache: true, ping: 30, ping_timeout: 60 },
  http: { port: Number(http), allow_origin: "*", mediaroot: home },
  store: { path: home },
}).run();

readline.createInterface({ input: process.stdin }).on("line", () => {
  const { user, system } = process.cpuUsage();
  said("stats " + (user + system) / 1e6 + " " + process.memoryUsage.rss());
}).on("close", () => process.exit());

// listening tells when a port answers.
function listening(port, then) {
  const socket = net.connect(port, "127.0.0.1");
  socket.on("connect", () => { socket.destroy(); then(); });
  socket.on("error", () => setTimeout(() => listening(port, then), 20));
}
listening(Number(rtmp), () => listening(Number(http), () => said("127.0.0.1:" + rtmp + " 127.0.0.1:" + http)));
