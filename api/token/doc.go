// Package token issues and verifies the tokens that authenticate requests.
//
// A token is a JWT (HS256) with the ids of a user and a sign-in session. The package checks only the signature and the
// expiry. The log and the tables decide whether the sign-in session is current.
package token
