// Package audit checks the log and the tables that belong to it: every event against the states before it (package
// invariant), and the tables command, snapshot, user_key, credential, store and checkpoint against the events.
//
// It finds what an edit with the rights of a superuser leaves inconsistent. An edit of events that keeps all tables
// consistent is not found: nothing outside the database knows the log.
//
// It changes nothing. Its memory is bounded: states of streams are cached, and read again when they are needed later.
package audit
