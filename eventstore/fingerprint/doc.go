// Package fingerprint notices servers that use one log with different secrets. Such servers would refuse each other's tokens.
//
// The first server stores a fingerprint of each of its secrets beside the log. Each server compares its own secrets
// when it starts, and replaces a fingerprint only if its secret is kept as the older one or if the operator wishes it.
//
// A fingerprint is an argon2id hash of the secret, salted with its name and the id of the log. It does not contain the
// secret, and each guess at the secret takes the memory and the time of an argon2id hash. So a copy of the database
// does not help to find a secret that was chosen by a person.
//
// The package writes table secret_fingerprint and no other.
package fingerprint
