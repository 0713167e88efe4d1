// Package coalesce joins concurrent reads of single keys into one read of many keys, as when many users sign in at once. No result is
// kept: every read begins after it was requested, so it is as new as a read of one's own.
package coalesce
