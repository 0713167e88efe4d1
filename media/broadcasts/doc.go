// Package broadcasts ties the streams of a media server to lives and to the event log. It decides who may publish and
// play, records every broadcast in the log, and disconnects publishers and players when a live ends or its owner
// loses access.
//
//   - A [Manager] is the authorizer of a media.Server. A sign is accepted only for a live that exists and has not
//     ended, whose owner has access, and whose stream no other node publishes.
//   - A [Manager] is also the observer of a media.Server. Every broadcast becomes live.publish_started and
//     live.publish_stopped in the log. Both commands are retried until the log accepts or refuses them. No frame
//     waits for them.
//   - A [Manager] follows the log. It cuts the streams of a live that has ended, of an owner who lost access, and of
//     a broadcast that an operator ended or that another node replaced.
//   - Another node, or the same node when it restarts, ends the broadcasts of a lost node in the log.
//   - A [Directory] lists the streams and players of all nodes.
//   - [Recordings] decides which broadcasts are recorded, records the beginning and end of each recording in the log,
//     and authorizes playback of recordings.
//
// The package never handles a frame, and makes no decisions about lives: package domain makes them.
package broadcasts
