package eventstore_test

import (
	"testing"

	"roomlog/domain"
)

func TestExecute(t *testing.T) {
	l := newLog(t)
	r := l.execute(domain.Request{Command: domain.RegisterUser{Username: "alice", NameKey: l.store.NameKey("alice"), Credential: "c"}})
	if len(r.Events) != 2 || r.Position != 2 {
		t.Fatalf("got %+v", r)
	}
	page, err := l.store.Read(t.Context(), readAll)
	if err != nil {
		t.Fatal(err)
	}
	if got := page.Events[0].Event.(domain.UserRegistered).Username; got != "alice" {
		t.Fatalf("username %q", got)
	}
}
