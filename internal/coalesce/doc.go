// Package coalesce joins concurrent reads of single keys into one read of many keys, as when a crowd signs in. No result is
// kept: every read begins after it was requested, so it is as new as a read of one's own.
package coalesce
