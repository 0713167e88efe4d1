// Package dialguard keeps connections to addresses that users have chosen out of the networks of the operator. A [Guard] checks
// the address to which a connection is made, after the name was resolved, so that a name cannot lead elsewhere between a
// check and its use.
package dialguard
