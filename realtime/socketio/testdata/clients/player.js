'use strict';
// A Socket.IO client for tests. It does what lines of JSON on its standard input tell it, and says in lines of JSON
// what happens to it: node player.js <major version> <transports> <address> <more options, as JSON>

const [, , version, transports, address, more] = process.argv;
const library = require('socket.io-client-' + version);
const connect = version === '2' ? library : library.io;

const options = { transports: transports.split(','), reconnectionDelay: 50, reconnectionDelayMax: 200, ...JSON.parse(more) };
const socket = connect(address + (options.namespace || ''), { ...options });
// A second socket, in the default namespace. Version 2 connects it only if it exists before the connection is open.
const beside = options.beside ? connect(address, { ...options }) : undefined;

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
if (beside) {
  const hearBeside = beside.onevent;
  beside.onevent = function (packet) {
    say('beside', [packet.data, beside.id]);
    hearBeside.call(beside, packet);
  };
  beside.on('connect', () => say('beside', [beside.io === socket.io, beside.id]));
}
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
    if (order.open) { // opens a socket in another namespace; version 2 reports a refusal as error
      const refused = (error) => say('refused', [String((error && error.message) || error)]);
      connect(address + order.open, { ...options }).on('error', refused).on('connect_error', refused);
    }
    if (order.besideEmit) beside.emit(...order.besideEmit);
    if (order.quit) socket.disconnect();
    if (order.drop) socket.io.engine.close(); // as if the line broke: the client comes back by itself
  }
});
process.stdin.on('end', () => process.exit(0));
