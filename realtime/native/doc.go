// Package native is the native dialect: JSON text frames over WebSocket, at /ws. docs/REALTIME.md describes it for
// authors of clients, docs/asyncapi.json for programs.
//
// A Server creates a session object for each connection. Requests are executed one after another. The reply to a
// request is sent when its events are durable. The channel of a live sends the facts of the live; the user channel
// sends the facts about one user.
//
// The package guarantees:
//
//   - A connection receives every fact of its lives after the reply to its join, in order, without a gap and without a
//     repetition, whether it joins for the first time, resumes, or comes from another node. In a large live, one frame
//     replaces several joins and leaves. A slow reader receives a frame "skipped" in place of the facts that it misses.
//   - A connection is closed with a code that says whether the client should reconnect.
//   - Every request type is registered with its rate class, its access rule and its documentation.
//
// The package makes no decisions of the domain and writes no table.
package native
