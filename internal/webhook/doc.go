// Package webhook sends signed HTTP requests to receivers that an operator has chosen.
//
// [Client] bounds the time of a request, the number of requests at the same time and what is read of a response. It never
// follows a redirect. Its errors name only the host of a receiver, because a path or a query may contain a token.
// [Guard] refuses receivers inside the network. It checks the address to which the connection is made, after the name was
// resolved, so that a name cannot lead elsewhere between a check and its use.
//
// There are two ways to sign: [Sign] is that of the hooks of the media server, [SignStandard] that of Standard Webhooks.
package webhook
