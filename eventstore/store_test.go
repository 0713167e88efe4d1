package eventstore_test

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
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

// TestIsUnavailable checks which errors clients are told as those of the database. A disk of this process is none.
func TestIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want bool
	}{
		{fmt.Errorf("read: %w", &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}), true},
		{context.DeadlineExceeded, true},
		{eventstore.ErrUnavailable, true},
		{&pgconn.PgError{Code: "57P01"}, true},
		{fmt.Errorf("store: %w", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), false},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EMFILE}, false},
		{nil, false},
	} {
		if got := eventstore.IsUnavailable(test.err); got != test.want {
			t.Errorf("IsUnavailable(%v) = %v", test.err, got)
		}
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
