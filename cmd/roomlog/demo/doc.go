// Package demo is the command "roomlog demo": a server in a fresh folder with people, lives, moving pictures, comments,
// gifts and a past show, so that the first look at the page is not empty.
//
// The demo starts the server in its own process and then acts as clients do: over REST, WebSocket and RTMP. The moving
// pictures are short streams inside the program, which are repeated without end.
package demo
