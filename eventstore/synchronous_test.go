package eventstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/internal/waittest"
)

// addRose is a request that always succeeds when it is executed.
func addRose(key string) domain.Request {
	return domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: operator, IdempotencyKey: key}
}

func TestRequireSynchronous(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	l := openFailover(t, d, soonPolled)
	l.run(eventstore.SequencerConfig{Timeout: 100 * time.Millisecond, RequireSynchronous: true})
	events := func() (n int) {
		t.Helper()
		if err := l.store.Pool().QueryRow(t.Context(), "SELECT count(*) FROM events").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	refused := func(when string) {
		t.Helper()
		before := events()
		eventually(t, when+" a command is refused", func() bool {
			_, err := l.sequencer.Execute(t.Context(), addRose(""))
			if !errors.Is(err, eventstore.ErrUnavailable) {
				t.Errorf("%s: a command got %v, want a refusal", when, err)
			}
			return errors.Is(err, eventstore.ErrNoSynchronousStandby) // on a slow machine it may have waited too long
		})
		if after := events(); after != before {
			t.Errorf("%s: the log has %d events, want %d", when, after, before)
		}
		if err := l.sequencer.CheckWritable(t.Context()); !errors.Is(err, eventstore.ErrNoSynchronousStandby) {
			t.Errorf("%s: the check returned %v", when, err)
		}
	}
	accepted := func(when string) {
		t.Helper()
		l.writable() // no command is needed
		eventually(t, when+" a command is executed", func() bool {
			_, err := l.sequencer.Execute(t.Context(), addRose(""))
			if err != nil && !errors.Is(err, eventstore.ErrUnavailable) {
				t.Errorf("%s: a command got %v", when, err)
			}
			return err == nil
		})
	}

	refused("without a standby")
	standby := d.Standby()
	refused("with an asynchronous standby")
	standby.Synchronous()
	accepted("with a synchronous standby")
	standby.Asynchronous()
	refused("after the standby was made asynchronous")
	standby.Synchronous()
	accepted("with the synchronous standby again")

	// A commit whose wait is cancelled is in the log of the primary, but a failover would lose it.
	before := events()
	thaw := standby.Freeze()
	result := make(chan error)
	go func() {
		_, err := l.sequencer.Execute(context.WithoutCancel(t.Context()), addRose("once"))
		result <- err
	}()
	d.CancelCommit()
	if err := waittest.Receive(t, result, "the answer"); !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("a commit that the standby lacks: %v", err)
	}
	if after := events(); after != before+1 {
		t.Errorf("the log has %d events, want %d: the commit was not cancelled", after, before+1)
	}
	thaw()
	l.writable()
	eventually(t, "the command is executed again, after the standby has caught up", func() bool {
		_, err := l.sequencer.Execute(t.Context(), addRose("once"))
		return err == nil
	})
	if after := events(); after != before+1 {
		t.Errorf("the log has %d events, want %d: the command was executed twice", after, before+1)
	}
	d.Promote(standby)
	eventually(t, "the check reaches the new primary", func() bool {
		return errors.Is(l.sequencer.CheckWritable(t.Context()), eventstore.ErrNoSynchronousStandby)
	})
	l.store.Pool().Reset()
	refused("after the promotion")
	if after := events(); after != before+1 {
		t.Errorf("after the promotion the log has %d events, want %d", after, before+1)
	}
}

func TestRequireSynchronous_needs_the_right_to_see_standbys(t *testing.T) {
	t.Parallel()
	l := openLogAs(t, pgtest.New(t), soonPolled, eventstore.SequencerConfig{Timeout: 100 * time.Millisecond, RequireSynchronous: true})
	var failed error
	eventually(t, "a command is refused", func() bool {
		_, failed = l.sequencer.Execute(t.Context(), addRose(""))
		return errors.As(failed, new(*eventstore.StandbysHiddenError)) // on a slow machine it may have waited too long
	})
	if !errors.Is(failed, eventstore.ErrUnavailable) {
		t.Errorf("a command got %v", failed)
	}
	for _, err := range []error{failed, l.sequencer.CheckStandby(t.Context()), l.sequencer.CheckWritable(t.Context())} {
		if hidden := (*eventstore.StandbysHiddenError)(nil); !errors.As(err, &hidden) || hidden.Role != eventstore.ServingRole {
			t.Errorf("got %v, want a refusal that names the role", err)
		}
	}
}
