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
// An HTTP/2 connection has one slot for all its requests. Whether it counts as waiting follows from the newest change: from
// the request that last began or ceased to wait. Deadlines of a body and of a response end only their request.
//
// The package never logs. It does not limit hijacked connections.
package httpserver
