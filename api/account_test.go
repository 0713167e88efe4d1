package api_test

import (
	"fmt"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
)

// account is a signed-in user.
type account struct {
	*testAPI
	ID    domain.UserID `json:"id"`
	Token string        `json:"token"`
	name  string
}

const testPassword = "correct horse"

// account registers a user and signs the user in.
func (d *testAPI) account(name string) account {
	d.Helper()
	d.post("/api/reg", map[string]string{"username": name, "password": testPassword, "repassword": testPassword}).ok(nil)
	return d.signIn(name)
}

func (d *testAPI) signIn(name string) account {
	d.Helper()
	a := account{testAPI: d, name: name}
	d.post("/api/login", map[string]string{"username": name, "password": testPassword}).ok(&a)
	return a
}

func (a account) get(path string, headers ...string) reply {
	a.Helper()
	return a.testAPI.get(path, append(headers, "token", a.Token)...)
}

func (a account) post(path string, body any, headers ...string) reply {
	a.Helper()
	return a.testAPI.post(path, body, append(headers, "token", a.Token)...)
}

type object = map[string]any

// live creates a live. onAir also puts it on air.
func (a account) live(title string) domain.LiveID {
	a.Helper()
	var made struct{ Data struct{ ID domain.LiveID } }
	a.post("/api/live/create", object{"title": title, "cover": ""}).ok(&made)
	return made.Data.ID
}

func (a account) onAir(title string) domain.LiveID {
	a.Helper()
	id := a.live(title)
	a.post("/api/live/changestatus", object{"id": id, "type": "play"}).ok(nil)
	return id
}

// operator executes a command as an operator and waits until the tables contain the result.
func (d *testAPI) operator(c domain.Command) eventstore.Receipt {
	d.Helper()
	return d.execute(domain.Request{Command: c, Actor: domain.Actor{Kind: domain.Operator}})
}

// command executes a command as the user, without the REST API, and waits until the tables contain the result.
func (a account) command(c domain.Command) eventstore.Receipt {
	a.Helper()
	return a.execute(domain.Request{Command: c, Actor: a.actor()})
}

func (a account) actor() domain.Actor {
	a.Helper()
	session, err := a.queries.Session(a.Context(), a.ID)
	if err != nil {
		a.Fatal(err)
	}
	return domain.AuthenticatedActor(a.ID, session)
}

func (d *testAPI) execute(r domain.Request) eventstore.Receipt {
	d.Helper()
	receipt, err := d.sequencer.Execute(d.Context(), r)
	if err != nil {
		d.Fatalf("%s: %v", r.Command.Type(), err)
	}
	d.eventually(func() error {
		if status := d.projector.Status(); status.Position < receipt.Position && d.position() < receipt.Position {
			return fmt.Errorf("the tables are at %d of %d", status.Position, receipt.Position)
		}
		return nil
	})
	return receipt
}

// position returns the position up to which the tables are current.
func (d *testAPI) position() (position int64) {
	d.Helper()
	err := d.pool.QueryRow(d.Context(), "SELECT coalesce(max(position), 0) FROM public.checkpoint").Scan(&position)
	if err != nil {
		d.Fatal(err)
	}
	return position
}

func (a account) grant(role domain.Role) account {
	a.Helper()
	a.operator(domain.GrantRole{User: a.ID, Role: role})
	return a
}

func (a account) credit(coins domain.Coins) account {
	a.Helper()
	a.operator(domain.CreditCoins{Order: domain.OrderID(uuid.NewString()), User: a.ID, Coins: coins})
	return a
}

// gift adds a gift to the gift catalogue.
func (d *testAPI) gift(name string, price domain.Coins) domain.GiftID {
	d.Helper()
	return d.operator(domain.AddGift{Name: name, Price: price, Image: "https://example.com/g.png"}).Events[0].Event.(domain.GiftAdded).Gift
}
