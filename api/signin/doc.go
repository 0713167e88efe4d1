// Package signin limits wrong passwords, so that nobody can guess passwords and nobody can lock others out by trying.
//
// Only wrong passwords count. They count under the username for the address or device that sent them. For addresses and
// devices that have never signed in under the username, they also count in total. When that limit is reached, only
// unknown addresses and devices are refused. The package holds a fixed number of usernames and addresses in memory. It
// knows neither passwords nor users: its caller passes keyed hashes of usernames.
package signin
