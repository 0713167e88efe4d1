package eventstore_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/eventstore"
)

func TestNameKey(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	key := l.store.NameKey("Bob")
	for name, username := range map[string]string{
		"case":               "bOB",
		"width":              "Ｂｏｂ",
		"surrounding space":  " Bob ",
		"a zero-width space": "B\u200bob",
		"a direction mark":   "\u202eBob",
	} {
		if l.store.NameKey(username) != key {
			t.Errorf("%s makes another name of %q", name, username)
		}
	}
	if l.store.NameKey("Bób") == key {
		t.Error("another letter makes the same name")
	}
}

// TestIsOutage checks which errors an outage of the database explains. Others have to be in the log even during an outage.
func TestIsOutage(t *testing.T) {
	t.Parallel()
	_, refused := pgconn.Connect(t.Context(), "host=127.0.0.1 port=1 sslmode=disable")
	_, dial := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:1")
	if refused == nil || dial == nil {
		t.Fatal("something listens at port 1")
	}
	for _, test := range []struct {
		err  error
		want bool
	}{
		{refused, true},
		{fmt.Errorf("read: %w", refused), true},
		{fmt.Errorf("%w: %w", eventstore.ErrUnavailable, dial), true},
		{&pgconn.PgError{Code: "57P01"}, true},
		{&pgconn.PgError{Code: "23505"}, false},
		{fmt.Errorf("%w: %w", eventstore.ErrOutcomeUnknown, refused), false},
		{fmt.Errorf("webhook: %w", dial), false},
		{context.DeadlineExceeded, false},
		{nil, false},
	} {
		if got := eventstore.IsOutage(test.err); got != test.want {
			t.Errorf("IsOutage(%v) = %v", test.err, got)
		}
	}
}
