// Package wait contains all ways in which roomlog waits: for a time, between attempts, or for a signal. Every wait
// ends when its context ends.
//
// The package never logs, never retries and imports no other package of this module.
package wait
