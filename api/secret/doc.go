// Package secret checks the secrets that sign tokens and payments.
package secret
