// Package media is the video door: it decides who may publish into a room's stream and who
// may play it. A stream's key is known to every viewer and opens nothing by itself; only a
// sign does, and a [Signer] makes and verifies them.
//
// It never imports another door, never reads a clock of its own (the caller gives one), and
// never lets a sign that a viewer may have open publishing.
package media
