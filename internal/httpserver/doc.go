// Package httpserver creates HTTP servers that close the connections of clients that stall.
//
// Every wait for a client has a deadline, on every path and also where a handler sets none: for the header of a
// request, for each part of its body, for each part of the response that the client has to accept, and for the next
// request. The deadlines of a body and of a response move with their progress, so that long transfers and responses
// without an end are not cut. A handler can set shorter deadlines with http.ResponseController, but no longer ones.
//
// A connection that waits for its client gives its slot to a new connection when all slots are taken (package limit).
// The kernel buffers a bounded number of bytes that a client does not read.
//
// A request uses the slot of its connection. Over HTTP/2, every further request that runs at the same time takes a slot like
// another connection; without a free slot it is refused with status 429 or 503. A request also counts as waiting while its
// handler waits for something else (limit.Pause). When a waiting request loses its slot to another client, its context ends
// and its stream is reset. The connection is closed if it carries no other request. Deadlines of a body and of a response
// end only their request.
//
// The package never logs. It does not limit hijacked connections.
package httpserver
