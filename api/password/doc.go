// Package password hashes and verifies passwords with argon2id.
//
// It limits how many passwords are hashed at the same time. Verifying takes the same time for accounts that do not
// exist. The package stores nothing and logs nothing.
package password
