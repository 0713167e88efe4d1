// Package pgsession opens connections to PostgreSQL whose parameters hold for the session, also through a connection
// pooler such as PgBouncer. It sets parameters after connecting, because poolers refuse most parameters of the startup
// message. CheckPooler recognises poolers that share a session between clients. A program that takes advisory locks,
// listens for notifications or sets parameters cannot use such a pooler.
package pgsession
