// Package hooks tells another program of streams by webhooks, and asks it before anything is accepted.
//
// [Hooks] is a media.Gate and a media.PlayObserver, a media.ConnectObserver, and hears of shows from whoever writes them into
// the log: those are the Go interfaces for the same. For connect, publish and play there are
//
//   - pre: asked before it is accepted, and answered at once. A status of 2xx accepts, 4xx rejects. No answer in
//     time, or another one, is a failure: what then happens is a setting.
//   - post: told when it has begun; done: when it has ended. These two are queued, delivered one after another in
//     the order in which they happened, and tried again until they are taken, or for a bounded time.
//
// Every delivery is signed: `Roomlog-Signature: t=UNIX,v1=HEX`, where HEX is hmac_sha256(secret, "UNIX." + body). A
// frame never waits for a hook. It never follows a redirect and never reads more than a little of an answer.
package hooks
