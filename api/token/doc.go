// Package token issues and verifies the tokens that authenticate requests.
//
// A token is a JWT (HS256) that contains the ids of a user and a session. The package checks only signature and
// expiry. The log and the tables decide whether the session is current.
package token
