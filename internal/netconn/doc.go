// Package netconn contains what servers need of connections that may use TLS, and the transport of their requests to other servers.
package netconn
