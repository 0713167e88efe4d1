// Package token issues and verifies the tokens that authenticate requests.
//
// A token is a JWT with HS256 that names a user and a session. The package checks signature and expiry only: whether the
// session is current is decided by the log and the tables.
package token
