// Package projtest is for tests of the read tables: a log with a sequencer on a database of its own (World), users who
// do everything at random and at once (Crowd), and one story in which every event occurs (Story).
package projtest
