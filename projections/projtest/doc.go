// Package projtest helps tests of the read tables. World is a log with a sequencer on its own database. Traffic is a
// group of users who issue random commands at the same time. Story is a log in which every event occurs.
package projtest
