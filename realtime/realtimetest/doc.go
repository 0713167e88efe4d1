// Package realtimetest runs a node for tests of the dialects: a log in a real PostgreSQL, tables that follow the log, a
// hub and a chat. A test adds the servers of its dialect. Several nodes can share a database.
package realtimetest
