// Package netconn finds the connection below TLS, and closes connections that may use TLS without waiting for the client.
package netconn
