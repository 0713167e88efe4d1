// Package limit bounds what clients may take: connection slots in total and per address, and rates per key.
//
// It holds the one rule of what an address is: an IPv6 client is its /64 network, a client behind a trusted proxy is
// the address that the proxy reports, and a reported address that cannot be parsed is never trusted.
//
// Memory is bounded: a Slots holds one counter per address with an open connection, a Rates holds a fixed number of
// keys. Limits are per process. The package never logs, starts no goroutine and imports nothing of this module.
package limit
