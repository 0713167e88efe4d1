// Package fingerprint notices servers that use one log with different secrets. Such servers would refuse each other's tokens.
//
// The first server stores a fingerprint of each of its secrets beside the log. Each server compares its own secrets when it starts,
// and replaces a fingerprint only if its secret is kept as the older one or if the operator wishes it.
//
// A fingerprint is an HMAC of a fixed text, keyed with the secret. It does not contain the secret. Guessing a secret with a
// fingerprint takes as long as guessing it with one token or one address of a stream.
//
// The package writes table secret_fingerprint and no other.
package fingerprint
