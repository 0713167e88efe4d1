// Package invariant checks events of the log against the states before them. It checks what has always been true,
// whatever the rules of a decision are today: a later version of the program may have stricter or looser rules, but an
// event that an earlier version has accepted must stay valid here.
//
// The package decides nothing and is not used when commands are executed. Package audit of eventstore reads the log and
// calls Check.
package invariant
