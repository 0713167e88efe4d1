'use strict';
// A Socket.IO 2 client for tests that polls, and stops for a while: it blocks until the FIFO has a writer and is closed
// again. Meanwhile events wait on the server. It prints a line of JSON for each event that it receives: the number of the
// event, and a digest of each further argument. With "upgrade" it upgrades to WebSocket when it goes on:
// node backlog.js <address> <FIFO> <poll|upgrade>

const fs = require('fs');
const crypto = require('crypto');
const connect = require('socket.io-client-2');

const [, , address, fifo, mode] = process.argv;
const socket = connect(address, { transports: ['polling', 'websocket'], upgrade: false, reconnection: false });
const say = (event, more) => console.log(JSON.stringify({ event, ...more }));
const digest = (value) => crypto.createHash('sha256').update(value).digest('hex');

socket.on('connect', () => socket.emit('message-with-ack', 'ready', () => {
  fs.readFileSync(fifo); // blocks
  const engine = socket.io.engine;
  engine.on('upgrade', (transport) => say('upgrade', { text: transport.name }));
  if (mode === 'upgrade') engine.probe('websocket');
}));
socket.on('waiting', (number, ...values) => say('waiting', { number, digests: values.map(digest) }));
socket.on('message-back', (text) => say('message-back', { text }));
socket.on('disconnect', (reason) => say('disconnect', { text: reason }));
socket.on('connect_error', (error) => say('connect_error', { text: String(error) }));
process.stdin.on('data', (line) => socket.emit('message', String(line).trim()));
process.stdin.on('end', () => process.exit(0));
