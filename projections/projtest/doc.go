// Package projtest is for tests of the read tables. It has a log with a sequencer on a database of its own (World),
// users who issue random commands at the same time (Traffic), and a log in which every event occurs (Story).
package projtest
