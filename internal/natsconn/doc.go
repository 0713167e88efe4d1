// Package natsconn connects a process to NATS servers.
//
// It guarantees:
//
//   - Connections to other hosts use TLS, and the process authenticates itself there. CheckSettings and CheckCredentials refuse
//     other settings.
//   - The connection uses only the configured servers, and never those that a server announces: their addresses could lead to other
//     hosts without TLS.
//   - A lost connection is made again for as long as the process runs. What is published meanwhile fails, and is never sent later.
//
// It never logs a credential, and stores nothing.
package natsconn
