package cluster

import "context"

// Transport is what a Cluster needs of PostgreSQL or of a message broker.
type Transport interface {
	Membership
	Messenger
}

// Membership keeps the list of nodes that are alive.
type Membership interface {
	// Join makes node a member and calls handle with every message, one after another. It returns when ctx ends or
	// the connection is lost.
	Join(ctx context.Context, node string, handle func(Message)) error
	// Nodes returns the members, in any order.
	Nodes(ctx context.Context) ([]string, error)
}

// Messenger sends messages to all members, and replies to one process.
type Messenger interface {
	// Publish sends m to all members that are connected.
	Publish(ctx context.Context, m Message) error
	// OpenInbox makes a place for the replies to one survey. The id is unique.
	OpenInbox(ctx context.Context, id string) (Inbox, error)
	// Reply puts r into an inbox. Of several replies of one node the first counts.
	Reply(ctx context.Context, inbox string, r Reply) error
}

// Inbox holds the replies to one survey.
type Inbox interface {
	// Receive returns the replies that arrived since the last call, without waiting for more.
	Receive(ctx context.Context) ([]Reply, error)
	// Close discards the inbox and what is still in it.
	Close(ctx context.Context) error
}

// Message is what members send to each other.
type Message struct {
	Topic   string
	Payload []byte
}

// Reply is what one node replied. A nil Payload means that the node does not handle the topic.
type Reply struct {
	Node    string
	Payload []byte
}
