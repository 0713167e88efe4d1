'use strict';
// A Vue app for tests that uses vue-socket.io with socket.io-client 2.5. It does what lines of JSON on its standard input
// request, and prints lines of JSON with the arguments that the handlers of its component receive, as a list or not:
// node vue.js <address> <options, as JSON>

const Vue = require('vue');
const VueSocketIO = require('vue-socket.io');
const io = require('socket.io-client-2');

const [, , address, more] = process.argv;
Vue.config.productionTip = false;
Vue.config.devtools = false;
const connection = io(address, { reconnectionDelay: 50, reconnectionDelayMax: 200, ...JSON.parse(more) });
const say = (event, args) => console.log(JSON.stringify({ event, args, id: connection.id }));
const handlers = {};
for (const event of ['online', 'comment', 'gift', 'message', 'messageAdded', 'allMessages', 'needLogin']) {
  handlers[event] = (...values) => say('heard', [event, ...values]);
}
Vue.use(new VueSocketIO({ connection }));
const app = new Vue({ sockets: { ...handlers, connect: () => say('connect', []), disconnect: (reason) => say('disconnect', [reason]) }, render: (h) => h('p') });
app.$mount();

let unread = '';
process.stdin.on('data', (text) => {
  const lines = (unread + text).split('\n');
  unread = lines.pop();
  for (const line of lines) {
    const order = JSON.parse(line);
    if (order.emit) app.$socket.emit(...order.emit);
    if (order.quit) app.$socket.disconnect();
    if (order.drop) app.$socket.io.engine.close();
  }
});
process.stdin.on('end', () => process.exit(0));
