// Package signin limits wrong passwords, so that nobody can guess passwords, and nobody can lock other users out by
// sending wrong ones.
//
// Only wrong passwords count. For each username, they count per address or known device. For addresses and devices that
// have never signed in under the username, they also count together. If the limit for these together is reached, only
// unknown addresses and devices are refused. The package keeps a fixed number of usernames and addresses in memory. It
// knows neither passwords nor users: its caller passes keyed hashes of usernames.
package signin
