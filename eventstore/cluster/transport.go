package cluster

import "context"

// Transport connects a Cluster to PostgreSQL or to a message broker.
type Transport interface {
	Membership
	Messenger
}

// Membership keeps the list of nodes that are alive.
type Membership interface {
	// Join makes node a member and calls handle with every message, one after another. It calls missed when the node has joined, and
	// afterwards whenever it may have missed messages. It returns when ctx ends or the connection is lost.
	Join(ctx context.Context, node string, handle func(Message), missed func()) error
	// Nodes returns the members, in any order.
	Nodes(ctx context.Context) ([]string, error)
}

// Messenger sends messages to all members, and replies to one process.
type Messenger interface {
	// Publish sends m to all members that are connected.
	Publish(ctx context.Context, m Message) error
	// OpenInbox creates the inbox for the replies to the survey with this unique id.
	OpenInbox(ctx context.Context, id string) (Inbox, error)
	// Reply puts r into the inbox of a survey. Only the first reply of a node counts.
	Reply(ctx context.Context, inbox string, r Reply) error
}

// Inbox holds the replies to one survey.
type Inbox interface {
	// Receive returns the replies that arrived since the last call, without waiting for more.
	Receive(ctx context.Context) ([]Reply, error)
	// Close discards the inbox with its replies.
	Close(ctx context.Context) error
}

// Message is a message from one member to all members.
type Message struct {
	Topic   string
	Payload []byte
}

// Reply is the reply of one node to a survey. A nil Payload means that the node has no handler for the topic.
type Reply struct {
	Node    string
	Payload []byte
}
