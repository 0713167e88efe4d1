// Package ratelimit limits how often clients execute commands.
//
// All commands of clients pass through one Limiter, whatever protocol they arrive by. Every command of a user counts
// against a rate of the user and a rate of the user's address; every anonymous command counts against a rate of the
// address. A new command has these limits without an entry anywhere. New chat rooms and anonymous entries into the chat
// have further limits here. Commands of the system, of operators at the
// command line and of the payment provider are not limited.
//
// Limits apply to one process. The servers have further limits of their own, such as comments per user; this package
// bounds what they let through.
package ratelimit
