// Package netconn finds the connection below TLS, and closes connections that may use TLS without waiting for the client. It also
// contains the transport of requests to other servers.
package netconn
