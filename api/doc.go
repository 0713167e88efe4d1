// Package api is the HTTP server of roomlog. It converts requests into commands, serves lists and histories from the
// tables, and streams the event log to analysts.
//
// Every endpoint is registered with an access rule, a rate class and its documentation. The access rule and the rate
// are checked before the handler runs. The response to a command is sent when its events are durable and, if that
// takes no longer than Config.Settle, applied to the tables, so that clients read their own writes. Every error has a
// stable code, a Chinese text and an English text.
//
// The package contains no rules of the domain, writes no table, and never logs a password, a token or a query string.
// It imports no other server.
package api
