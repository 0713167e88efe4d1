// Package password hashes and verifies passwords with argon2id.
//
// It bounds how many passwords are hashed at the same time. Verifying a password takes the same work whether the account
// exists or not. The package stores nothing and logs nothing.
package password
