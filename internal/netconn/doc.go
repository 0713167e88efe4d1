// Package netconn contains what servers need of connections that may use TLS.
package netconn
