package chat_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/chat"
)

// newLog opens a log on its own database and runs a sequencer for it until the end of the test.
func newLog(t *testing.T) (*eventstore.Store, *eventstore.Sequencer) {
	t.Helper()
	db := pgtest.New(t)
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	sequencer := eventstore.NewSequencer(store, eventstore.SequencerConfig{})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := sequencer.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return store, sequencer
}

func TestLeaveChatIsRetriedUntilTheLogAcceptsIt(t *testing.T) {
	t.Parallel()
	store, sequencer := newLog(t)
	for i, tt := range []struct {
		known bool // whether the connection knows the name key
		wrong int  // number of times that the roster returns an outdated name key
	}{{true, 1000}, {false, 8}} {
		name := store.NameKey(fmt.Sprint("guest ", i))
		receipt, err := sequencer.Execute(t.Context(), domain.Request{Actor: domain.Actor{Kind: domain.Anonymous}, Command: domain.EnterChat{
			Connection: "other", Profile: domain.ProfilePlain, Node: "other", Nickname: fmt.Sprint("guest ", i), NameKey: name,
		}})
		if err != nil {
			t.Fatal(err)
		}
		entered := receipt.Events[0].Event.(domain.ParticipantEntered)
		leave := domain.LeaveChat{Participant: entered.Participant, Cause: domain.LeaveConnectionLost, Node: "other", NameKey: "stale"}
		if tt.known {
			leave.NameKey = name
		}
		chat.ExecuteLeave(t.Context(), sequencer, leave, func(domain.ParticipantID, string) string {
			if tt.wrong--; tt.wrong >= 0 {
				return "stale"
			}
			return name
		})
		page, err := store.Read(t.Context(), eventstore.Query{Limit: 100, Types: []string{domain.ParticipantLeft{}.Type()}})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) != i+1 || page.Events[i].Event.(domain.ParticipantLeft).Participant != entered.Participant {
			t.Errorf("left: %+v", page.Events)
		}
	}
}
