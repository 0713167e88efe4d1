// Package audit checks the log and the tables that belong to it. It compares every event with the states before it
// (package invariant), and the tables command, snapshot, user_key, credential, store and checkpoint with the events.
//
// It finds what becomes inconsistent when somebody edits the database with the rights of a superuser. It cannot find an
// edit of events that keeps all tables consistent; package transparency does.
//
// It changes nothing. Its memory is bounded: it caches the states of some streams, and keeps the others in a temporary
// table.
package audit
