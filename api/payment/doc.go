// Package payment verifies and decodes the reports of payment providers.
//
// Provider is the interface to a provider. SharedSecret is the built-in one: it accepts reports that are signed with a
// secret. The package executes no command: its caller credits the coins.
package payment
