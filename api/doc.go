// Package api is the HTTP door: it turns requests into commands for the log, answers from the
// read tables, and lets analysts replay and auditors review.
//
// Old clients depend on its shapes and Chinese texts to the letter; every error carries a
// machine code beside them. A command is answered after it is durable, and the door waits a
// moment for the tables, so that a client finds its own writes. Rates and sizes are bounded
// here, before anything reaches the log; the rules themselves live in the domain.
//
// It never imports another door, never writes an event itself, and never puts a password, a
// token or a query string into a log line.
package api
