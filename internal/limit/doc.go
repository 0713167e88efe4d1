// Package limit limits the resources that clients can use: connection slots in total and per address, and rates per
// key.
//
// It defines how clients are identified by address. An IPv6 client is identified by its /64 network. A client behind
// a trusted proxy has the address that the proxy reports. If the reported address cannot be parsed, the client has no
// known address.
//
// A connection that waits for its client holds its slot only while nobody else needs it. When all slots are taken, a
// new connection takes the slot of a waiting one. If the address of the new connection has reached its limit, this is
// a connection from the same address; otherwise it is one that has waited long, from an address with many waiting
// connections.
//
// Memory is bounded: Slots holds one counter per address with an open connection, Rates holds a fixed number of keys.
// Each process has its own limits. The package never logs, starts no goroutine and imports no other package of this
// module.
package limit
