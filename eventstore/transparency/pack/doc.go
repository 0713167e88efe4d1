// Package pack writes and verifies packs. A pack is a file with a range of the log that an auditor checks without the
// database and without a server: the events, the hashes that lead to a signed checkpoint, a statement of every posting,
// a trial balance, and a manifest.
//
// A pack is a tar archive with six files in a fixed order. Its bytes depend only on the events, the range, the balances
// before the range, and the checkpoint. Verify makes use of that: it derives every file again from the events, and
// compares the bytes. A pack that it accepts is therefore the one that Write writes.
//
// Neither function holds the events in memory. Both hold one record for each coin account that has a balance or is moved.
package pack
