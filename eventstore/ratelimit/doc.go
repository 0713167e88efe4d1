// Package ratelimit limits how often clients execute commands.
//
// All commands of clients pass through one Limiter, whatever protocol the client uses. Every command of a user counts
// against a rate of the user and against a rate of the user's address. Every anonymous command counts against a rate of
// the address. A command type that the map classes does not list counts as a change. New chat rooms and anonymous
// entries into the chat have further limits here. Commands of the system, of operators at the command line and of the
// payment provider are not limited.
//
// The limits apply to one process. The servers have further limits, such as comments per user; this package limits the
// commands that pass these.
package ratelimit
