package realtimetest

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Execute executes a request.
func (n *Node) Execute(r domain.Request) eventstore.Receipt {
	n.Helper()
	receipt, err := n.Sequencer.Execute(context.Background(), r)
	if err != nil {
		n.Fatalf("%s: %v", r.Command.Type(), err)
	}
	return receipt
}

// Do executes a command as an operator.
func (n *Node) Do(c domain.Command) eventstore.Receipt {
	n.Helper()
	return n.Execute(domain.Request{Command: c, Actor: domain.Actor{Kind: domain.Operator}})
}

// ExecuteAs executes a command as a user.
func (n *Node) ExecuteAs(u User, c domain.Command) eventstore.Receipt {
	n.Helper()
	return n.Execute(domain.Request{Command: c, Actor: u.Actor()})
}

// Register registers a user and signs the user in.
func (n *Node) Register(name string) User {
	n.Helper()
	r := n.Execute(domain.Request{Command: domain.RegisterUser{Username: name, NameKey: n.Store.NameKey(name), Credential: uuid.NewString()}})
	return n.SignIn(User{ID: r.Events[0].Event.(domain.UserRegistered).User, Name: name})
}

// SignIn starts a new sign-in session of a user and returns the user with it.
func (n *Node) SignIn(u User) User {
	n.Helper()
	u.Session = uuid.NewString()
	n.Execute(domain.Request{Command: domain.SignIn{User: u.ID, Session: u.Session}})
	return u
}

// CreateLive creates a live of a user that is not on air.
func (n *Node) CreateLive(u User, title string) domain.LiveID {
	n.Helper()
	key := strings.ReplaceAll(uuid.NewString(), "-", "")[:20]
	return n.ExecuteAs(u, domain.CreateLive{Title: title, StreamKey: key}).Events[0].Event.(domain.LiveCreated).Live
}

// GoLive creates a live of a user and puts it on air.
func (n *Node) GoLive(u User, title string) domain.LiveID {
	n.Helper()
	live := n.CreateLive(u, title)
	n.ExecuteAs(u, domain.ChangeLiveStatus{Live: live, To: domain.LivePlay})
	return live
}

// Credit adds coins to the wallet of a user and returns the position of the event.
func (n *Node) Credit(u User, coins domain.Coins) int64 {
	n.Helper()
	return n.Do(domain.CreditCoins{Order: domain.OrderID(uuid.NewString()), User: u.ID, Coins: coins}).Position
}

// AddGift adds a gift to the catalogue.
func (n *Node) AddGift(name, image string, price domain.Coins) domain.GiftID {
	n.Helper()
	return n.Do(domain.AddGift{Name: name, Image: image, Price: price}).Events[0].Event.(domain.GiftAdded).Gift
}

// Events returns all events of type E in the log.
func Events[E domain.Event](n *Node) (found []E) {
	n.Helper()
	var zero E
	page, err := n.Store.Read(context.Background(), eventstore.Query{Limit: 5000, Types: []string{zero.Type()}})
	if err != nil {
		n.Fatal(err)
	}
	for _, r := range page.Events {
		found = append(found, r.Event.(E))
	}
	return found
}
