// Package hooks calls a webhook about connections, publishers and players.
//
// [Hooks] is a media.Authorizer, a media.PlayObserver and a media.ConnectObserver. Its BroadcastChanged is called with
// broadcasts whose beginning or end is in the log. For connect, publish and play there are three hooks:
//
//   - pre: sent before the request is accepted. A response with status 2xx accepts the request, 4xx rejects it. Any other
//     response, or none in time, is a failure. Config.HookFailure decides whether a failure accepts or rejects.
//   - post: sent when the connection, broadcast or player has begun. done: sent when it has ended. Both are queued,
//     delivered one after another in the order of the events, and retried until they are accepted or Config.RetryFor
//     has passed. Publish hooks have a queue of their own.
//
// Every request is signed: `Roomlog-Signature: t=UNIX,v1=HEX`, where HEX is hmac_sha256(secret, "UNIX." + body). The
// package never delays a frame, never follows a redirect, and never reads more than 4 KiB of a response.
package hooks
