'use strict';
// A Socket.IO client for tests. It does what lines of JSON on its standard input tell it, and says in lines of JSON
// what happens to it: node player.js <major version> <transports> <address> <more options, as JSON>

const [, , version, transports, address, more] = process.argv;
const library = require('socket.io-client-' + version);
const connect = version === '2' ? library : library.io;

const socket = connect(address, {
  transports: transports.split(','),
  reconnectionDelay: 50,
  reconnectionDelayMax: 200,
  ...JSON.parse(more),
});

function say(event, args) {
  const engine = socket.io.engine;
  console.log(JSON.stringify({
    event,
    args,
    id: socket.id,
    transport: engine && engine.transport && engine.transport.name,
    recovered: socket.recovered === true,
  }));
}

// Everything the server emits, in all versions.
const hear = socket.onevent;
socket.onevent = function (packet) {
  say('heard', packet.data);
  hear.call(socket, packet);
};
socket.on('connect', () => say('connect', []));
socket.on('disconnect', (reason) => say('disconnect', [reason]));
socket.on('connect_error', (error) => say('connect_error', [String(error && error.message)]));

let unread = '';
process.stdin.on('data', (text) => {
  const lines = (unread + text).split('\n');
  unread = lines.pop();
  for (const line of lines) {
    const order = JSON.parse(line);
    if (order.emit) socket.emit(...order.emit);
    if (order.ask) socket.emit(...order.ask, (...answer) => say('answer', answer));
    if (order.look) say('look', []);
    if (order.quit) socket.disconnect();
    if (order.drop) socket.io.engine.close(); // as if the line broke: the client comes back by itself
  }
});
process.stdin.on('end', () => process.exit(0));
