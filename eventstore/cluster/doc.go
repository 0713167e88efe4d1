// Package cluster connects the nodes of one deployment: the server processes that share a log. It lists the nodes that
// are alive, carries short-lived messages between them, sends a request to all of them and collects the replies, and
// cleans up after lost nodes.
//
// It guarantees:
//   - A node that was killed is not alive from that moment on; with NATS alone, 5 seconds later, or up to 50 seconds if there are more
//     than 50 nodes. A node that is frozen or unreachable is not alive after 10 seconds. A node whose connection was cut joins again without help.
//   - Each connected node delivers a message at most once to each subscriber of its topic, in the order of publishing.
//   - The result of a survey lists the nodes that did not reply. It never treats a missing reply as an empty one.
//   - Every cleanup is called for a lost node until it succeeds. Several nodes may call it at the same time, so it must
//     be idempotent.
//
// Nothing here is durable: facts belong in the log. The package never reads or appends events.
//
// Cluster is independent of its Transport. Postgres is the Transport for deployments that have only a database, NATS the one
// of a message broker. Both is the Transport of servers that have both.
package cluster
