// Package secret validates the configured secrets for signing tokens and payments.
package secret
