package projtest

import (
	"strings"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
)

// User is a user who is signed in.
type User struct {
	*World
	ID      domain.UserID
	Session string
}

// Register registers a user and signs the user in.
func (w *World) Register(name string) User {
	w.Helper()
	r := w.Execute(domain.Request{Command: domain.RegisterUser{
		Username: name, NameKey: w.Store.NameKey(name), Credential: w.insertCredential(uuid.NewString()),
	}})
	return w.SignIn(r.Events[0].Event.(domain.UserRegistered).User)
}

// insertCredential stores a password hash and returns its id.
func (w *World) insertCredential(hash string) string {
	w.Helper()
	id := eventstore.CredentialID(hash)
	if err := w.Store.InsertCredential(w.Context(), id, hash); err != nil {
		w.Fatal(err)
	}
	return id.String()
}

// SignIn signs a user in.
func (w *World) SignIn(id domain.UserID) User {
	w.Helper()
	session := uuid.NewString()
	w.Execute(domain.Request{Command: domain.SignIn{User: id, Session: session}})
	return User{w, id, session}
}

// Actor returns the actor for commands of the user.
func (u User) Actor() domain.Actor { return domain.AuthenticatedActor(u.ID, u.Session) }

// Send executes a command as the user.
func (u User) Send(c domain.Command) eventstore.Receipt {
	u.Helper()
	return u.Execute(domain.Request{Command: c, Actor: u.Actor()})
}

// CreateLive creates a live of the user.
func (u User) CreateLive(title string) domain.LiveID {
	u.Helper()
	key := strings.ReplaceAll(uuid.NewString(), "-", "")[:20]
	r := u.Send(domain.CreateLive{Title: title, Cover: "https://example.com/c.png", StreamKey: key})
	return r.Events[0].Event.(domain.LiveCreated).Live
}

// GoLive creates a live of the user and puts it on air.
func (u User) GoLive(title string) domain.LiveID {
	u.Helper()
	id := u.CreateLive(title)
	u.Send(domain.ChangeLiveStatus{Live: id, To: domain.LivePlay})
	return id
}

// Credit adds coins to the wallet of the user.
func (u User) Credit(coins domain.Coins) eventstore.Receipt {
	u.Helper()
	return u.Do(domain.CreditCoins{Order: domain.OrderID(uuid.NewString()), User: u.ID, Coins: coins})
}
