// Package payment verifies and decodes the payment reports of payment providers.
//
// Provider is the interface of a payment provider. SharedSecret is the built-in implementation: it accepts reports that
// are signed with a shared secret. The package executes no command; its caller credits the coins.
package payment
