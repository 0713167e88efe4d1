// Package realtime is the WebSocket door: it holds the sockets of everybody who watches, hears what they
// ask for and tells them what happened. docs/REALTIME.md is what clients see of it.
//
// A Door is the native dialect. Commands go to the log and are answered when they are durable; what is told
// comes from the feed, which releases it when the tables have it. Its promises:
//
//   - A connection gets every fact of its rooms after the answer to its join, in order, without a gap and
//     without a double, however it came in and whichever process it comes to. In a crowd comings and goings
//     are facts told together: one frame for all that nothing else came between.
//   - A person is in a room from the first connection to the end of the last; nobody stays behind as a ghost
//     of a process that died.
//   - Whoever may not be here any more is closed, with a code that says whether to come back.
//
// Below it is the transport, which knows nothing of rooms or coins. Sockets accepts connections, counts them,
// pings them and closes them at shutdown; a Conn is one of them, and a Peer is what the layer above makes of
// it; a Fanout sends what is pushed into it to many connections at once. Its promises:
//
//   - Nothing that is sent ever waits for a reader. A write is tried once without blocking; what the socket
//     does not take waits in a bounded queue, and one goroutine writes it out under a deadline.
//   - A slow reader costs only itself: its oldest droppable frames go first (and it is told how many), of
//     gauges it gets the newest, and when what must arrive does not fit either, it is closed with CloseSlow.
//   - A frame is encoded once, however many connections it goes to.
//   - What a client sends is judged byte by byte before the WebSocket library sees it: too many, too large,
//     unmasked, reserved or binary frames close that connection with a code that says why, and nothing a
//     client sends can end the process.
//
// The package writes no table and decides no rule.
package realtime
