// Package wait is the one way to wait: for a time, between attempts, or for a signal. Every wait ends with its context.
//
// It never logs, never retries by itself and imports nothing of this module.
package wait
