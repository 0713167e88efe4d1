// Package api is the HTTP server of roomlog. It converts requests into commands, returns lists from the tables, and
// streams the event log to analysts.
//
// Every endpoint is registered with an access rule, a rate class and its documentation. The access rule and the rate
// are checked before the handler runs. The response to a command is sent when its events are durable and the tables
// have applied them, so that clients read their own writes. It does not wait for the tables longer than Config.Settle.
// Every error has a stable code, a Chinese text and an English text.
//
// The package contains no rules of the domain and writes no table. It never logs a password, a token or a query string.
// It imports no other server.
package api
