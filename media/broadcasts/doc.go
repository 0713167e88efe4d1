// Package broadcasts connects the streams of a media server with lives and the log. It decides who may publish and
// play, and records every broadcast in the log. It disconnects publishers and players when a live ends or its owner
// loses access.
//
//   - A [Manager] is the authorizer of a media.Server. A sign is accepted only for a live that exists and has not
//     ended, whose owner has access, and whose stream no other node publishes.
//   - A [Manager] is also the observer of a media.Server. Every broadcast becomes the events broadcast.started and
//     broadcast.stopped. Their commands are retried until the log accepts or refuses them. No frame waits for them.
//   - A [Manager] follows the log. It cuts the streams of lives that have ended and of owners who have lost access. It
//     also cuts broadcasts that an operator ended or that another node replaced.
//   - Another node, or the same node when it restarts, ends the broadcasts of a lost node in the log.
//   - A [Directory] lists the streams and players of all nodes.
//   - [Recordings] decides which broadcasts are recorded, records the beginning and end of each recording in the log,
//     and authorizes playback of recordings.
//   - [Restreams] pushes the broadcasts of this node on to the targets of their lives.
//
// The package never handles a frame, and makes no decisions about lives: package domain makes them.
package broadcasts
