package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/audit"
	"roomlog/projections/projtest"
)

const (
	page      = 50
	fewStates = 5
)

// inspect inspects a log in pages and returns the faults of its events. It allows the auditor to cache at most cached
// states, or as many as it wants if cached is 0.
func inspect(w *projtest.World, cached int) []audit.Fault {
	w.Helper()
	pooled, err := w.Pool.Acquire(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	conn := pooled.Hijack()
	defer func() { _ = conn.Close(context.WithoutCancel(w.Context())) }()
	var faults audit.Faults
	a := audit.New(w.Store, conn, &faults)
	if cached > 0 {
		a.CacheStates(cached)
	}
	head := w.Head()
	for after := int64(0); after < head; after += page {
		events, err := a.Read(w.Context(), w.Pool, after, head, page)
		if err != nil {
			w.Fatal(err)
		}
		var broken *eventstore.DecodeError
		if err := w.Store.Decode(w.Context(), events); err != nil && !errors.As(err, &broken) {
			w.Fatal(err)
		}
		if err := a.Inspect(w.Context(), events); err != nil {
			w.Fatal(err)
		}
		// Between two pages, an auditor has the states that it caches and those that it used for the last page: for each
		// event that of its stream and at most two others.
		if n := a.StatesInMemory(); cached > 0 && n > cached+3*page {
			w.Fatalf("%d states are in memory after position %d", n, after+page)
		}
	}
	all, _ := faults.Sorted()
	return all
}

// TestAuditWithFewStatesInMemory checks that the auditor finds the same faults if most states are not in memory.
func TestAuditWithFewStatesInMemory(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	projtest.NewTraffic(w, 50, 5).Act(8, 1500)
	if faults := inspect(w, fewStates); len(faults) > 0 {
		t.Fatalf("the log has no faults, but got %v", faults)
	}

	w.Exec("ALTER TABLE events DISABLE TRIGGER USER")
	for _, tamper := range []string{
		"version = version + 5 WHERE position = (SELECT max(position) FROM events WHERE type = 'viewer.left.v1')",
		`payload = regexp_replace(payload::text, '"balance_after":', '"balance_after":1')::json WHERE position = (SELECT max(position) FROM events WHERE type = 'gift.sent.v2')`,
		"payload = '[]' WHERE position = (SELECT min(position) FROM events WHERE type = 'gift.sent.v2' AND stream <> (SELECT stream FROM events WHERE type = 'gift.sent.v2' ORDER BY position DESC LIMIT 1))", // the later states of the wallet are then unknown
	} {
		w.Exec("UPDATE events SET " + tamper)
	}
	few, many := inspect(w, fewStates), inspect(w, 0)
	if !slices.Equal(few, many) {
		t.Errorf("with few states in memory: %v\nwith all of them: %v", few, many)
	}
	for _, want := range []string{"version ", "the event states a balance of ", "event gift.sent.v2 cannot be read"} {
		if !slices.ContainsFunc(few, func(f audit.Fault) bool { return strings.HasPrefix(f.Text, want) }) {
			t.Errorf("got %v, want a fault that begins with %q", few, want)
		}
	}
}

// TestAuditOfPayments refunds a ticket with the right position, and with that of another event, as a wrong row of table ticket
// causes it.
func TestAuditOfPayments(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	ann, bob := w.Register("ann"), w.Register("bob")
	bob.Credit(100)
	live := ann.CreateLive("show")
	ann.Send(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: 30})
	refund := func(wrong int64) (paid, returned int64) {
		ticket := bob.Send(domain.BuyTicket{Live: live, Price: 30, Streamer: ann.ID}).Events[0].Position
		return ticket + 1, ann.Send(domain.RefundTicket{Live: live, User: bob.ID, Reason: "ill", Streamer: ann.ID, Position: ticket + wrong, Received: 90}).Events[0].Position
	}
	refund(0)
	refund(0)
	if faults := inspect(w, 0); len(faults) > 0 {
		t.Fatalf("the log has no faults, but got %v", faults)
	}
	paid, returned := refund(-1)
	want := []audit.Fault{{Position: returned, Text: fmt.Sprintf("the ticket of user %d for live %d was paid at position %d, not %d", bob.ID, live, paid, paid-1)}}
	if faults := inspect(w, 0); !slices.Equal(faults, want) {
		t.Errorf("got %v, want %v", faults, want)
	}
}
