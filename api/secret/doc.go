// Package secret validates the configured secrets that sign tokens and payments.
package secret
