package eventstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

func TestExecute(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	r := l.execute(domain.Request{
		Command:     domain.RegisterUser{Username: "berta", NameKey: l.store.NameKey("berta"), Credential: "c"},
		Correlation: "request 7", Causation: "a form",
	})
	if len(r.Events) != 2 || r.Position != 2 || r.Repeated {
		t.Fatalf("got %+v", r)
	}
	page, err := l.store.Read(t.Context(), readAll)
	if err != nil {
		t.Fatal(err)
	}
	results, stored := toJSON(t, r.Events), toJSON(t, page.Events)
	if results != stored {
		t.Fatalf("the receipt contains\n%s\nthe log contains\n%s", results, stored)
	}
	first := page.Events[0]
	if got := first.Event.(domain.UserRegistered).Username; got != "berta" {
		t.Errorf(`username %q, want "berta"`, got)
	}
	if want := (eventstore.Metadata{Actor: "anonymous", Correlation: "request 7", Causation: "a form"}); first.Metadata != want {
		t.Errorf("metadata %+v, want %+v", first.Metadata, want)
	}
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestExecuteAppendsAllEventsOrNone(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.register("alice")
	before := l.verified()
	l.refused(domain.Request{Command: domain.RegisterUser{Username: "Alice", NameKey: l.store.NameKey("Alice")}}, domain.CodeNameTaken)
	if after := l.verified(); len(after) != len(before) {
		t.Fatalf("a refused command appended %+v", after[len(before):])
	}
	bob := l.register("bob")
	if bob.id != 2 {
		t.Errorf("bob is user %d: a refused command took an id, want 2", bob.id)
	}
	head := int64(len(l.all()))
	r := l.do(domain.CreditCoins{Order: "o2", User: bob.id, Coins: 5})
	if len(r.Events) != 3 || r.Events[2].Position != r.Position || r.Position != head+3 {
		t.Fatalf("got %+v", r)
	}
}

func TestExecuteReturnsTheHeadWithoutEvents(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	register1 := l.register("guest")
	l.do(domain.DisableUser{User: register1.id})
	head := int64(len(l.all()))
	if r := l.do(domain.DisableUser{User: register1.id}); r.Position != head || len(r.Events) != 0 {
		t.Fatalf("got %+v, the head is %d", r, head)
	}
}

func TestPositionsAndVersionsAreContiguous(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	first := openLog(t, db, eventstore.SequencerConfig{})
	logs := []*testLog{first, openLog(t, db, eventstore.SequencerConfig{BatchSize: 7}), openLog(t, db, eventstore.SequencerConfig{CacheSize: 3})}
	p := first.fixture(6, 10_000)
	const callers, each = 48, 12
	var results sync.Map // position → how often it was acknowledged
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			l, who := logs[caller%len(logs)], p.users[caller%len(p.users)]
			for n := range each {
				var command domain.Command = p.give(1)
				if n%3 == 0 {
					command = p.say(fmt.Sprintf("comment %d of %d", n, caller))
				}
				r, err := l.sequencer.Execute(context.Background(), who.request(command))
				if err != nil {
					t.Error(err)
					return
				}
				if _, twice := results.LoadOrStore(r.Position, true); twice {
					t.Errorf("position %d is in two receipts", r.Position)
				}
			}
		})
	}
	group.Wait()
	events := first.verified()
	count := 0
	for _, r := range events {
		if _, ok := results.Load(r.Position); ok {
			count++
		}
	}
	if count != callers*each {
		t.Fatalf("%d of %d acknowledged events are in the log", count, callers*each)
	}
}

func TestQueuedRequestsShareATransaction(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(4, 0)
	before := l.sequencer.Stats()
	requests := make([]domain.Request, 40)
	for i := range requests {
		requests[i] = p.users[i%4].request(p.say(fmt.Sprint("comment ", i)))
	}
	for i, a := range l.executeTogether(requests...) {
		if a.err != nil {
			t.Fatal(a.err)
		}
		if i > 0 && !a.receipt.Events[0].RecordedAt.Equal(l.all()[a.receipt.Position-2].RecordedAt) {
			t.Error("one batch has two times")
		}
	}
	after := l.sequencer.Stats()
	if batches, commands := after.Batches-before.Batches, after.Commands-before.Commands; batches != 2 || commands != 41 {
		t.Fatalf("%d commands in %d transactions, want 41 in 2", commands, batches)
	}
	if events := after.Events - before.Events; events != 41 {
		t.Errorf("counted %d events, want 41", events)
	}
}
